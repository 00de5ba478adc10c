package shell

import (
	"errors"

	"tcpdrill/engine"
)

// tc is `tc qdisc add|change|replace|delete dev DEV root KIND …`. What a
// kind's options mean, the host knows; tc's own kinds of trouble with them
// come from there too.
func tc(c *call) (int, error) {
	w := &words{c.args}
	if !short(w.next(), "qdisc") {
		return 0, errOther
	}
	var q engine.QdiscChange
	switch action := w.next(); {
	case short(action, "add"):
		q.Change = engine.Add
	case short(action, "change") || action == "chg":
		q.Change = engine.Modify
	case short(action, "replace"):
		q.Change = engine.Replace
	case short(action, "delete"):
		q.Change = engine.Delete
	default:
		return 0, errOther
	}
	for len(w.rest) > 0 && q.Kind == "" {
		switch word := w.next(); word {
		case "dev":
			q.Dev = w.next()
		case "root", "ingress", "clsact":
			if q.Parent != "" {
				return 0, errOther
			}
			q.Parent = word
			if word != "root" { // it is its own kind
				q.Kind = word
			}
		case "parent":
			q.Parent = w.next()
		case "handle":
			q.Handle = w.next()
		case "estimator", "stab", "ingress_block", "egress_block", "help":
			return 0, errOther
		default:
			q.Kind = word
		}
	}
	q.Options = w.rest
	// The device may be named after ingress.
	if q.Dev == "" && len(q.Options) == 2 && q.Options[0] == "dev" {
		q.Dev, q.Options = q.Options[1], nil
	}
	if q.Dev == "" || q.Parent == "" || q.Kind == "" && q.Change != engine.Delete {
		return 0, errOther
	}
	err := c.host.ChangeQdisc(q)
	if _, ok := errors.AsType[*engine.UnsupportedError](err); ok && c.executor() != nil {
		return 0, errOther // the real tc knows more kinds and options
	}
	if err != nil {
		return c.refused(err), nil
	}
	return 0, nil
}
