package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// Weakening is why a file is not applied: what it changes protects less than before, and people have accounts there.
// It is fault.Refused.
type Weakening []Difference

func (w Weakening) Error() string {
	text := &strings.Builder{}
	text.WriteString("refused, and nothing is written, because this protects less than before:\n")
	for _, d := range w {
		if d.Line > 0 {
			fmt.Fprintf(text, "line %d: ", d.Line)
		}
		fmt.Fprintf(text, "%s: %s\n", d.Item, d)
	}
	text.WriteString("if it is meant, --weaken does it and puts it on record; --dry-run shows all that would change")
	return text.String()
}

// Unwrap makes it a refusal.
func (w Weakening) Unwrap() error { return fault.Refused }

// mark marks the differences whose key, or the mapping it stands in, is one of those that protect less.
func mark(all []Difference, under string, weaker []string) {
	for i, d := range all {
		all[i].Weaker = slices.ContainsFunc(weaker, func(key string) bool {
			return d.Key == under+key || strings.HasPrefix(d.Key, under+key+".")
		})
	}
}

// underPolicy are the keys of a policy as the file has them: the managers for an emergency are a key of the platform.
func underPolicy(keys []string) (all []string) {
	for _, key := range keys {
		if key != "break_glass" {
			key = "policy." + key
		}
		all = append(all, key)
	}
	return all
}

// weaker puts on record what protects less than before, and returns what is refused. Where nobody has an account but
// those of the file, as while a platform is being set up, it is a warning only.
func (p *plan) weaker(ctx context.Context) (refused Weakening, err error) {
	alone := map[platform.ID]bool{}
	for _, d := range p.report.Differences {
		if !d.Weaker {
			continue
		}
		id := d.platform()
		if _, known := alone[id]; !known {
			all, err := p.DB.Accounts(ctx, id, "", p.named[id]+1)
			if err != nil {
				return nil, err
			}
			alone[id] = len(all) <= p.named[id]
		}
		p.setup.Events = append(p.setup.Events, p.weakened(d))
		switch {
		case p.Weaken:
		case alone[id]:
			p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("%s: %s: this protects less than before", d.Item, d))
		default:
			refused = append(refused, d)
			if p.DryRun {
				p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("%s: %s: this protects less than before: refused without --weaken", d.Item, d))
			}
		}
	}
	return refused, nil
}

// unasked is code_methods where none is left that this build has: a second factor that is demanded is asked of nobody
// who has none yet.
func (p *plan) unasked(was, is platform.Policy) []string {
	if p.usable(was) && !p.usable(is) && (is.SecondFactor.Client.Demand != platform.Off || is.SecondFactor.Staff.Demand != platform.Off) {
		return []string{"code_methods"}
	}
	return nil
}

// usable reports whether a policy names a second factor that this build has.
func (p *plan) usable(policy platform.Policy) bool {
	return slices.ContainsFunc(policy.CodeMethods, func(m string) bool { return slices.Contains(p.Methods, m) })
}

// platform is the one that the item belongs to.
func (d Difference) platform() platform.ID {
	_, name, _ := strings.Cut(d.Item, " ")
	id, _, _ := strings.Cut(name, "/")
	return platform.ID(id)
}

// weakened is the event of a setting that protects less than before.
func (p *plan) weakened(d Difference) audit.Event {
	e := audit.Event{
		At: p.Now, Platform: d.platform(), Kind: audit.SettingWeakened, Actor: Operator(), Outcome: audit.Success, Reason: d.String(),
	}
	kind, name, _ := strings.Cut(d.Item, " ")
	_, of, _ := strings.Cut(name, "/")
	switch kind {
	case "party":
		e.Party = of
	case "connection":
		e.Reason = of + ": " + e.Reason
	case "account":
		i := slices.IndexFunc(p.setup.Accounts, func(a account.Account) bool { return a.Platform == e.Platform && a.Email.Key == of })
		e.Account = p.setup.Accounts[i].ID
	}
	return e
}
