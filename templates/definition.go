package templates

import (
	"strings"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// definition prints the variable that describes a task to the runtime.
func (f *File) definition(t *model.Task) {
	var fields []jen.Code
	add := func(name string, value jen.Code) { fields = append(fields, jen.Id(name).Op(":").Add(value)) }
	add("Task", jen.Op("&").Add(f.typeID(t.Type)).Values())
	add("Name", jen.Lit(t.Name))
	if len(t.Aliases) > 0 {
		add("Aliases", jen.Index().String().ValuesFunc(func(g *jen.Group) {
			for _, a := range t.Aliases {
				g.Lit(a)
			}
		}))
	}
	if t.Queue != "" {
		add("Queue", jen.Lit(t.Queue))
	}
	if t.Timeout > 0 {
		add("Timeout", duration(t.Timeout))
	}
	if t.Once {
		add("Once", jen.True())
	}
	if t.Within > 0 {
		add("Within", duration(t.Within))
	}
	if t.Retry != nil {
		add("Retry", retry(t.Retry))
	}
	if t.EnqueueRetry != nil {
		add("EnqueueRetry", enqueueRetry(t.EnqueueRetry))
	}
	dst, data, task := f.local("dst"), f.local("data"), f.local("task")
	add("Append", jen.Func().Params(jen.Id(dst).Index().Byte(), jen.Id(task).Any()).Params(jen.Index().Byte(), jen.Error()).
		Block(jen.Return(jen.Id(t.Names.Append).Call(jen.Id(dst), f.asserted(t)))))
	add("Decode", jen.Func().Params(jen.Id(data).Index().Byte(), jen.Id(task).Any()).Error().
		Block(jen.Return(jen.Id(t.Names.Decode).Call(jen.Id(data), f.asserted(t)))))
	if len(t.Unique) > 0 {
		add("UniqueKey", f.uniqueKey(t))
	}
	for _, m := range t.Methods {
		add(m.Field, jen.Func().Params(jen.Id(task).Any()).Add(f.source(model.Source{m.Result})).Block(jen.Return(f.asserted(t).Dot(m.Name).Call())))
	}
	f.Line()
	f.comment(t.Names.Definition + " describes the task " + t.Type + ".")
	f.Var().Id(t.Names.Definition).Op("=").Qual(pathCloudtask, "Definition").Add(block(fields))
}

// asserted prints the task that the runtime hands on, which is a pointer to its struct.
func (f *File) asserted(t *model.Task) *jen.Statement {
	return jen.Id(f.local("task")).Assert(jen.Op("*").Add(f.typeID(t.Type)))
}

func retry(r *model.Retry) jen.Code {
	var fields []jen.Code
	add := func(name string, value jen.Code) { fields = append(fields, jen.Id(name).Op(":").Add(value)) }
	if r.Attempts != 0 {
		add("MaxAttempts", jen.Lit(r.Attempts))
	}
	addDuration(&fields, "MaxRetryDuration", r.Age)
	addDuration(&fields, "MinBackoff", r.Min)
	addDuration(&fields, "MaxBackoff", r.Max)
	if r.Doublings != 0 {
		add("MaxDoublings", jen.Lit(r.Doublings))
	}
	return jen.Op("&").Qual(pathCloudtask, "RetryConfig").Values(fields...)
}

func enqueueRetry(r *model.EnqueueRetry) jen.Code {
	codes := make([]jen.Code, len(r.On))
	for i, code := range r.On {
		codes[i] = jen.Qual(pathCloudtask, codeName(code))
	}
	fields := []jen.Code{jen.Id("On").Op(":").Index().Qual(pathCloudtask, "Code").Values(codes...)}
	addDuration(&fields, "Initial", r.Initial)
	addDuration(&fields, "Max", r.Max)
	if r.Multiplier != 0 {
		fields = append(fields, jen.Id("Multiplier").Op(":").Lit(r.Multiplier))
	}
	addDuration(&fields, "Deadline", r.Deadline)
	return jen.Op("&").Qual(pathCloudtask, "RetryPolicy").Values(fields...)
}

func addDuration(fields *[]jen.Code, name string, d time.Duration) {
	if d != 0 {
		*fields = append(*fields, jen.Id(name).Op(":").Add(duration(d)))
	}
}

// codeName returns the runtime's constant for a gRPC code name: DeadlineExceeded for DEADLINE_EXCEEDED.
func codeName(code string) string {
	if code == "CANCELLED" {
		return "Canceled"
	}
	var b strings.Builder
	for word := range strings.SplitSeq(code, "_") {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

// duration prints a duration in its largest whole unit.
func duration(d time.Duration) jen.Code {
	units := []struct {
		name string
		unit time.Duration
	}{
		{"Hour", time.Hour}, {"Minute", time.Minute}, {"Second", time.Second},
		{"Millisecond", time.Millisecond}, {"Microsecond", time.Microsecond}, {"Nanosecond", 1},
	}
	for _, u := range units {
		if d%u.unit != 0 {
			continue
		}
		if d == u.unit {
			return jen.Qual("time", u.name)
		}
		return jen.Lit(int(d/u.unit)).Op("*").Qual("time", u.name)
	}
	return nil
}

// block prints the fields of a composite literal, each on its line.
func block(fields []jen.Code) *jen.Statement {
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, fields...)
}
