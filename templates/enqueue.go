package templates

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// enqueue prints the functions that put tasks into a queue and take them out again.
func (f *File) enqueue(t *model.Task) {
	x := t.Type
	ctx, c, task, opts := f.local("ctx"), f.local("c"), f.local("task"), f.local("opts")
	receipt := jen.Qual(pathCloudtask, "Receipt")
	option := jen.Id(opts).Op("...").Qual(pathCloudtask, "EnqueueOption")
	first := func() []jen.Code { return []jen.Code{f.param("ctx", jen.Qual("context", "Context")), f.client()} }
	one := func() []jen.Code { return append(first(), jen.Id(task).Add(f.typeID(x))) }
	addr := jen.Op("&").Id(task)
	def := func(method string, args ...jen.Code) jen.Code {
		return jen.Return(jen.Id(t.Names.Definition).Dot(method).Call(append([]jen.Code{jen.Id(ctx), jen.Id(c)}, args...)...))
	}

	f.function(t.Names.Asap, fmt.Sprintf("%s enqueues %s to run as soon as a worker is free.", t.Names.Asap, x),
		one(), []jen.Code{receipt, jen.Error()}, def("Asap", addr))

	eta := f.local("eta")
	f.function(t.Names.Later, fmt.Sprintf("%s enqueues %s to run at %s: after a delay, cloudtask.In, or at a time, cloudtask.At.", t.Names.Later, x, eta),
		append(one(), jen.Id(eta).Qual(pathCloudtask, "ETA"), option), []jen.Code{receipt, jen.Error()}, def("Later", addr, jen.Id(eta), jen.Id(opts).Op("...")))

	latest := f.local("latest")
	f.function(t.Names.Until, fmt.Sprintf("%s enqueues %s to run at a random time between now and %s, which spreads load.", t.Names.Until, x, latest),
		append(one(), jen.Id(latest).Qual("time", "Time"), option), []jen.Code{receipt, jen.Error()}, def("Until", addr, jen.Id(latest), jen.Id(opts).Op("...")))

	f.function(t.Names.Push, fmt.Sprintf("%s enqueues %s as the options say; without any it is %s.", t.Names.Push, x, t.Names.Asap),
		append(one(), option), []jen.Code{receipt, jen.Error()}, def("Push", addr, jen.Id(opts).Op("...")))

	tasks := f.local("tasks")
	f.function(t.Names.Batch, fmt.Sprintf("%s enqueues many %s in few calls. The receipts are in the order of %s; the error says which of them "+
		"were not enqueued.", t.Names.Batch, x, tasks),
		append(first(), jen.Id(tasks).Index().Add(f.typeID(x)), option),
		[]jen.Code{jen.Index().Add(receipt), jen.Error()}, def("Batch", jen.Id(tasks), jen.Id(opts).Op("...")))

	f.function(t.Names.Discard, fmt.Sprintf("%s deletes queued %s tasks, all of them or those that the options select, and returns \"%s/taskID\" "+
		"for each that it deleted.", t.Names.Discard, x, t.Name),
		append(first(), jen.Id(opts).Op("...").Qual(pathCloudtask, "DiscardOption")),
		[]jen.Code{jen.Index().String(), jen.Error()}, def("Discard", jen.Id(opts).Op("...")))
}

// run prints the functions that run a task without a queue.
func (f *File) run(t *model.Task) {
	ctx, c, task, taskID, err := f.local("ctx"), f.local("c"), f.local("task"), f.local("taskID"), f.local("err")
	def := jen.Id(t.Names.Definition)

	params := append([]jen.Code{f.param("ctx", jen.Qual("context", "Context"))}, f.runsWith(t)...)
	f.function(t.Names.Sync, fmt.Sprintf("%s runs %s here and now, without a queue.", t.Names.Sync, t.Type),
		append(params, jen.Id(task).Add(f.typeID(t.Type))), f.results(t),
		jen.Return(f.call(t, jen.Add(def).Dot("Sync").Call(jen.Id(ctx)), jen.Id(task))))

	params = append([]jen.Code{f.param("ctx", jen.Qual("context", "Context")), f.client()}, f.runsWith(t)...)
	failed := []jen.Code{jen.Return(jen.Id(err))}
	if t.Run != nil && t.Run.Result != nil {
		zero := f.local("zero")
		failed = []jen.Code{jen.Var().Id(zero).Add(f.typeExpr(t.Run.Result)), jen.Return(jen.Id(zero), jen.Id(err))}
	}
	f.function(t.Names.Debug, fmt.Sprintf("%s runs the payload of a queued %s here, and leaves the task in its queue. The id is one in the "+
		"type's queue, or a full resource name.", t.Names.Debug, t.Type),
		append(params, jen.Id(taskID).String()), f.results(t),
		jen.Var().Id(task).Add(f.typeID(t.Type)),
		jen.List(jen.Id(ctx), jen.Id(err)).Op(":=").Add(def).Dot("Debug").Call(jen.Id(ctx), jen.Id(c), jen.Id(taskID), jen.Op("&").Id(task)),
		jen.If(jen.Id(err).Op("!=").Nil()).Block(failed...),
		jen.Return(f.call(t, jen.Id(ctx), jen.Id(task))))
}

// enqueued prints the function that names a task to tests. It is generic so that programs do not contain it: what has type
// parameters is compiled where it is called.
func (f *File) enqueued(t *model.Task) {
	queue, q := f.local("Q"), f.local("q")
	selection := func() *jen.Statement {
		return jen.Qual(pathCloudtask, "Selection").Types(jen.Id(queue), f.typeID(t.Type))
	}
	f.Line()
	f.comment(fmt.Sprintf("%s selects the %s tasks that were enqueued in %s, a *cloudtasktest.Queue, as in cloudtasktest.Only(t, %s(%s)).",
		t.Names.Enqueued, t.Type, q, t.Names.Enqueued, q))
	f.Func().Id(t.Names.Enqueued).Types(jen.Id(queue).Any()).Params(jen.Id(q).Id(queue)).Add(selection()).Block(
		jen.Return(selection().Values(jen.Id("Queue").Op(":").Id(q), jen.Id("Definition").Op(":").Op("&").Id(t.Names.Definition))))
}

// call prints the call that runs a task: its Run method, or the Runner's.
func (f *File) call(t *model.Task, ctx, task jen.Code) jen.Code {
	if t.Run == nil {
		return jen.Id(f.local("runner")).Dot(t.Names.Runner).Call(ctx, task)
	}
	args := []jen.Code{ctx}
	if t.Run.Dep != nil {
		args = append(args, jen.Id(f.depName(t.Run.Dep)))
	}
	return jen.Add(task).Dot("Run").Call(args...)
}

// runsWith returns the parameter that a task's run needs besides context and task, if any.
func (f *File) runsWith(t *model.Task) []jen.Code {
	switch {
	case t.Run == nil:
		return []jen.Code{f.param("runner", jen.Id("Runner"))}
	case t.Run.Dep != nil:
		return []jen.Code{jen.Id(f.depName(t.Run.Dep)).Add(f.source(t.Run.Dep.Type))}
	}
	return nil
}

// results returns the results of a task's run.
func (f *File) results(t *model.Task) []jen.Code {
	if t.Run != nil && t.Run.Result != nil {
		return []jen.Code{f.typeExpr(t.Run.Result), jen.Error()}
	}
	return []jen.Code{jen.Error()}
}

// depName returns the parameter's name of one of the package's dependencies.
func (f *File) depName(dep *model.Dep) string {
	for i, d := range f.pkg.Deps {
		if d == dep {
			return f.deps[i]
		}
	}
	panic("templates: dependency that the package does not list")
}

// param prints a parameter.
func (f *File) param(name string, typ jen.Code) jen.Code { return jen.Id(f.local(name)).Add(typ) }

// client prints the parameter for the client.
func (f *File) client() jen.Code {
	return f.param("c", jen.Op("*").Qual(pathCloudtask, "Client"))
}

// function prints a function with its doc comment.
func (f *File) function(name, doc string, params, results []jen.Code, body ...jen.Code) {
	f.Line()
	f.comment(doc)
	fn := f.Func().Id(name).Params(params...)
	if len(results) == 1 {
		fn.Add(results[0])
	} else {
		fn.Params(results...)
	}
	fn.Block(body...)
}
