package gen

import (
	"go/types"
	"strings"
)

// checkCopies reports a part of a task that must not be copied, such as a mutex, by the rule of go vet: generated code
// passes tasks by value, and so would not pass.
func (b *typeBuilder) checkCopies(task *types.Named) {
	path, lock := b.lockOf(task)
	if lock == nil {
		return
	}
	if len(path) == 0 {
		b.report(task.Obj().Pos(), "task %s has methods Lock and Unlock, so go vet treats it as a lock that must not be copied, but a task is passed "+
			"by value: call them something else", task.Obj().Name())
		return
	}
	names := make([]string, len(path))
	for i, v := range path {
		names[i] = v.Name()
	}
	pos := path[0].Pos()
	for _, v := range path {
		if v.Pkg() == b.pkg {
			pos = v.Pos()
		}
	}
	b.report(pos, "field %s: %s must not be copied, and a task is passed by value: make it a pointer, or keep it "+
		"elsewhere", strings.Join(names, "."), b.text(lock))
}

// checkCopied reports a result that must not be copied, which generated code does.
func (b *typeBuilder) checkCopied(t types.Type) {
	if _, lock := b.lockOf(t); lock != nil {
		b.problem("%s must not be copied, because of %s: return a pointer to it", b.text(t), b.text(lock))
	}
}

// lockOf is lockIn for what messages name: what is in the types of others is theirs to know.
func (b *typeBuilder) lockOf(t types.Type) (path []*types.Var, lock types.Type) {
	path, lock = lockIn(t, map[types.Type]bool{})
	for len(path) > 1 && !b.own(path[len(path)-1].Pkg()) {
		path = path[:len(path)-1]
		lock = path[len(path)-1].Type()
	}
	return path, lock
}

// lockIn returns the way to a lock that a copy of t would copy: a type whose pointer has the methods Lock and Unlock, and
// which has not itself.
func lockIn(t types.Type, seen map[types.Type]bool) (path []*types.Var, lock types.Type) {
	t = types.Unalias(t)
	if seen[t] {
		return nil, nil
	}
	seen[t] = true
	if isLock(t) {
		return nil, t
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return lockIn(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if rest, lock := lockIn(f.Type(), seen); lock != nil {
				return append([]*types.Var{f}, rest...), lock
			}
		}
	}
	return nil, nil
}

func isLock(t types.Type) bool {
	if isPointer(t) || types.IsInterface(t) {
		return false
	}
	for _, name := range []string{"Lock", "Unlock"} {
		ofPointer, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
		m, ok := ofPointer.(*types.Func)
		if !ok || !isSignature(m.Type(), "", "") {
			return false
		}
		if ofValue, _, _ := types.LookupFieldOrMethod(t, false, nil, name); ofValue != nil {
			return false
		}
	}
	// What embeds a lock has its methods, too: the lock is what the message is to name.
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return true
	}
	for f := range s.Fields() {
		if f.Embedded() && isLock(types.Unalias(f.Type())) {
			return false
		}
	}
	return true
}
