package templates

import (
	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// runner prints the interface that runs tasks whose structs do not run themselves.
func (f *File) runner() {
	if !f.pkg.NeedsRunner() {
		return
	}
	var methods []jen.Code
	for _, t := range f.pkg.Tasks {
		if t.Run == nil {
			methods = append(methods, jen.Id(t.Names.Runner).Params(
				f.param("ctx", jen.Qual("context", "Context")), jen.Id(f.local("task")).Add(f.typeID(t.Type)),
			).Error())
		}
	}
	f.Line()
	f.comment("Runner runs the tasks of this package that have no Run method of their own. What a method returns means what Run's error means: " +
		"nil: the task is done; cloudtask.Discard: it failed for good; any other error: it is retried.")
	f.Type().Id("Runner").Interface(methods...)
}

// routes prints what a service that runs tasks mounts.
func (f *File) routes() {
	var params, args, routes []jen.Code
	if f.pkg.NeedsRunner() {
		params = append(params, f.param("runner", jen.Id("Runner")))
		args = append(args, jen.Id(f.local("runner")))
	}
	for i, dep := range f.pkg.Deps {
		params = append(params, jen.Id(f.deps[i]).Add(f.source(dep.Type)))
		args = append(args, jen.Id(f.deps[i]))
	}
	for _, t := range f.pkg.Tasks {
		routes = append(routes, f.route(t))
	}
	route := jen.Qual(pathCloudtask, "Route")
	f.function("Routes", "Routes returns the routes of this package's tasks, for cloudtask.NewHandler and for eager clients.",
		params, []jen.Code{jen.Index().Add(route)},
		jen.Return(jen.Index().Add(route).Add(block(routes))))

	cfg := f.local("cfg")
	f.function("NewHandler", "NewHandler returns the handler that runs this package's tasks. Mount it at the path prefix of the configuration.",
		append([]jen.Code{jen.Id(cfg).Qual(pathCloudtask, "Config")}, params...),
		[]jen.Code{jen.Qual("net/http", "Handler"), jen.Error()},
		jen.Return(jen.Qual(pathCloudtask, "NewHandler").Call(jen.Id(cfg), jen.Id("Routes").Call(args...).Op("..."))))
}

// route prints the call that returns the route of a task.
func (f *File) route(t *model.Task) jen.Code {
	task := f.asserted(t)
	if t.Run == nil {
		task = jen.Op("*").Add(task)
	}
	ctx, anyTask := f.local("ctx"), jen.Id(f.local("task")).Any()
	params := []jen.Code{jen.Id(ctx).Qual("context", "Context"), anyTask}
	call := f.call(t, jen.Id(ctx), task)
	if t.Run == nil || t.Run.Result == nil {
		run := jen.Func().Params(params...).Error().Block(jen.Return(call))
		return jen.Id(t.Names.Definition).Dot("Route").Call(run)
	}
	result, err := f.local("result"), f.local("err")
	run := jen.Func().Params(params...).Params(jen.Any(), jen.Error()).Block(
		jen.List(jen.Id(result), jen.Id(err)).Op(":=").Add(call),
		jen.Return(jen.Op("&").Id(result), jen.Id(err)))
	return jen.Id(t.Names.Definition).Dot("RouteWithResult").Call(run, jen.Id(t.Run.Result.AppendResult))
}
