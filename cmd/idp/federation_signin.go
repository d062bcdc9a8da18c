package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login/federated"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// testLife is how long a test sign-in and what it brought are kept: raw claims are somebody's data.
const testLife = time.Hour

// testShown is a test sign-in: where it is done until it came back, and what it brought.
type testShown struct {
	ID      string    `json:"id,omitempty"`  // of what it brought: that is confirmed, and nothing that came later
	URL     string    `json:"url,omitempty"` // nothing came yet
	Ends    time.Time `json:"ends_at"`
	Came    time.Time `json:"answered_at,omitzero"`
	Refused string    `json:"refused,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Number  string    `json:"reference,omitempty"` // of the page that said so, and in the log
	brought
}

// brought is what an answer says, and what it counts for here.
type brought struct {
	Key string `json:"key,omitempty"`
	addressBrought
	Name   string             `json:"name,omitempty"`
	Roles  []string           `json:"roles,omitempty"`
	Role   platform.Role      `json:"role,omitempty"`        // that the table gives
	New    string             `json:"new_account,omitempty"` // with jit: create, the role of an account that is made, or why none is
	ACR    authn.ACR          `json:"acr,omitempty"`
	Claims map[string]any     `json:"claims,omitempty"`
	Drifts []federation.Drift `json:"drifts,omitempty"`
	Said   *saidThere         `json:"answer,omitempty"`
	answer *federation.Answer
}

// addressBrought is the address in an answer, and whether it may link an account.
type addressBrought struct {
	Email   string `json:"email,omitempty"`
	Trusted bool   `json:"email_trusted,omitempty"`
	Why     string `json:"email_not_trusted,omitempty"` // why it is not
}

// saidThere is what an answer says beside its claims or attributes.
type saidThere struct {
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"` // `sub`, or NameID
	Format    string    `json:"name_id_format,omitempty"`
	Qualifier string    `json:"name_qualifier,omitempty"`
	AuthTime  time.Time `json:"auth_time,omitzero"` // or AuthnInstant
	Old       bool      `json:"old,omitempty"`      // … which is no new sign-in, and one was asked for
	Context   []string  `json:"authncontext,omitempty"`
}

func federationTest(g *globals, on *string) *cobra.Command {
	var result, again bool
	c := &cobra.Command{
		Use: "test NAME", Short: "Print the address of a test sign-in, or what it brought", Args: cobra.ExactArgs(1),
		Long: "Whoever opens the address within an hour signs in at the organisation, and nowhere here: no account, link or session is made. The command again " +
			"shows what that brought, claim by claim, until the hour is over; --new begins another one.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, c, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			t, err := f.test(cmd.Context(), p, c)
			switch {
			case errors.Is(err, fault.NotFound) && result:
				return fmt.Errorf("test sign-in of %s: there is none, or its hour is over: %w", c.ID, fault.NotFound)
			case errors.Is(err, fault.NotFound), err == nil && again:
				t, err = f.startTest(cmd.Context(), p, c)
			case err == nil && result && t.Came.IsZero():
				return fmt.Errorf("test sign-in of %s: nothing came back yet: %w", c.ID, fault.NotFound)
			}
			if err != nil {
				return err
			}
			return g.print(cmd, t, t.text)
		}),
	}
	c.Flags().BoolVar(&result, "result", false, "only what came back; an error while nothing has")
	c.Flags().BoolVar(&again, "new", false, "begin another one; what the last one brought is forgotten")
	c.MarkFlagsMutuallyExclusive("result", "new")
	return c
}

func (f *floor) startTest(ctx context.Context, p *platform.Platform, c *federation.Connection) (testShown, error) {
	if _, err := f.keys(ctx); err != nil { // the servers could not seal what we open
		return testShown{}, err
	}
	now := f.now()
	t := storage.ConnectionTest{ID: secret.ID(), MadeAt: now, EndsAt: now.Add(testLife)}
	if err := f.db.StartTest(ctx, p.ID, c.ID, t); err != nil {
		return testShown{}, err
	}
	return testShown{URL: p.URL(federated.TestPath(c.ID, t.ID)), Ends: t.EndsAt}, nil
}

// test is the newest test sign-in. fault.NotFound: there is none, or its hour is over.
func (f *floor) test(ctx context.Context, p *platform.Platform, c *federation.Connection) (testShown, error) {
	t, err := f.db.Test(ctx, p.ID, c.ID, f.now())
	if err != nil {
		return testShown{}, err
	}
	s := testShown{Ends: t.EndsAt, Came: t.AnsweredAt}
	if t.Result == nil {
		s.URL = p.URL(federated.TestPath(c.ID, t.ID))
		return s, nil
	}
	text, err := f.sealer.Open(t.Result, c.Binding("test"))
	if err != nil {
		return s, err
	}
	s.ID = answerID(t, text)
	var came federated.Tested
	if err := json.Unmarshal(text, &came); err != nil {
		return s, fmt.Errorf("test sign-in of %s: %w", c.ID, err)
	}
	if came.Refused != nil {
		s.Refused, s.Detail, s.Number = string(came.Refused.Reason), came.Refused.Detail, came.Reference
		return s, nil
	}
	s.Number = came.Reference
	s.judged(c, came, f.now())
	return s, nil
}

// answerID is a short name of what a test sign-in brought. Its address can be opened by anybody who has it, as often as
// they like within the hour, and somebody else can begin another test: what came later has another name.
func answerID(t storage.ConnectionTest, text []byte) string {
	whole := t.ID + "\n" + strconv.FormatInt(t.AnsweredAt.UnixMilli(), 10) + "\n" + string(text)
	return hex.EncodeToString(secret.Hash(whole))[:8]
}

// judged is what an answer counts for, whatever the baseline says.
func (s *testShown) judged(c *federation.Connection, came federated.Tested, now time.Time) {
	a := came.Answer
	s.answer, s.Claims, s.Drifts = &a, a.Claims, c.Drifts(a, now)
	s.Said = &saidThere{a.Issuer, a.Subject, a.Format, a.Qualifier, a.AuthTime, came.Old, a.Context}
	id, err := c.EvaluateTest(a, came.Old, now)
	var refused *federation.Refusal
	if errors.As(err, &refused) {
		s.Refused, s.Detail = string(refused.Reason), refused.Detail
		return
	}
	s.Key, s.Email, s.Trusted, s.Name, s.Roles = id.Key, id.Email.Address, id.Trusted, id.Profile.Name(), id.Roles
	s.Why = c.Untrusted(a)
	s.Role, _ = c.RoleOf(id)
	s.ACR = c.NewBaseline(a, now).ACR
	if c.Access.JIT == federation.JITCreate {
		role, err := c.MayCreate(id)
		if s.New = "is made, as " + string(role); err != nil {
			s.New = "is not made: " + err.Error()
		}
	}
}

func (s testShown) text(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-13s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	if s.URL != "" {
		line("test", "%s until %s", s.URL, s.Ends.UTC().Format(time.RFC3339))
		return
	}
	line("test", "%s came %s, kept until %s", s.ID, s.Came.UTC().Format(time.RFC3339), s.Ends.UTC().Format(time.RFC3339))
	if s.Refused != "" {
		line("refused", "%s: %s", s.Refused, s.Detail)
		if s.Number != "" {
			line("number", "%s", s.Number)
		}
	} else {
		trusted := "the address links no account: " + s.Why
		if s.Trusted {
			trusted = "the address may link an account"
		}
		line("key", "%s", s.Key)
		line("e-mail", "%s (%s)", orNone(s.Email), trusted)
		line("name", "%s", orNone(s.Name))
		line("roles", "%s", orNone(fmt.Sprint(s.Roles)))
		line("role", "%s", cmp.Or(string(s.Role), "none of the table: whoever has an account keeps the one that it has"))
		if s.New != "" {
			line("new account", "%s", s.New)
		}
		line("counts for", "%s", s.ACR)
	}
	for _, d := range s.Drifts {
		line("drift", "%s: %s", d.Kind, d.Detail)
	}
	if s.Said != nil {
		s.Said.text(line)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Claims)) {
		line("claim", "%s = %v", name, s.Claims[name])
	}
}

func (s *saidThere) text(line func(name, format string, args ...any)) {
	line("issuer", "%s", s.Issuer)
	for _, one := range []struct{ name, value string }{
		{"subject", s.Subject}, {"format", s.Format}, {"qualifier", s.Qualifier}, {"authncontext", strings.Join(s.Context, " ")},
	} {
		if one.value != "" {
			line(one.name, "%s", one.value)
		}
	}
	switch {
	case s.AuthTime.IsZero():
		line("signed in", "it does not say when (auth_time): no sign-in counts as fresh")
	case s.Old:
		line("signed in", "%s (auth_time, AuthnInstant): OLD, a new sign-in was asked: what wants one is refused", s.AuthTime.UTC().Format(time.RFC3339))
	default:
		line("signed in", "%s (auth_time, AuthnInstant)", s.AuthTime.UTC().Format(time.RFC3339))
	}
}

func orNone(s string) string {
	if s == "" || s == "[]" {
		return "none"
	}
	return s
}

func federationConfirm(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "confirm NAME ID", Short: "Make what a test sign-in brought the baseline: what is less than that later stops a sign-in, or weakens it",
		Long: "ID is the name that `idp federation test` prints with what came. Where something else came meanwhile, by the same address or by another test, it is refused: " +
			"look at that first.",
		Args: cobra.ExactArgs(2),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, c, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			t, err := f.test(cmd.Context(), p, c)
			if err != nil && !errors.Is(err, fault.NotFound) {
				return err
			}
			if err := t.confirmable(c, args[1], err); err != nil {
				return err
			}
			b, err := f.tools().Acts().ConfirmConnection(cmd.Context(), p.ID, c.ID, *t.answer)
			if err != nil {
				return err
			}
			return g.print(cmd, b, func(w io.Writer) {
				fmt.Fprintf(w, "The baseline of %s is what the test sign-in %s brought: it is of %s, and counts for %s.\n", c.ID, t.ID, printable(t.whose()), b.ACR)
			})
		}),
	}
}

// whose is who did a test sign-in, and when.
func (s testShown) whose() string {
	return fmt.Sprintf("key %s (%s), %s", s.Key, orNone(s.Email), s.Came.UTC().Format(time.RFC3339))
}

// confirmable is why what a test sign-in brought cannot be confirmed under a name; none is an error where there is no
// test.
func (s testShown) confirmable(c *federation.Connection, id string, none error) error {
	switch {
	case none != nil:
		return fmt.Errorf("test sign-in of %s: there is none, or its hour is over: %w", c.ID, fault.NotFound)
	case s.ID == "":
		return fmt.Errorf("test sign-in of %s: nothing came back yet: %w", c.ID, fault.NotFound)
	case s.ID != id:
		return fmt.Errorf("%w: the newest answer of %s is %s, not %s: %s; look at it with idp federation test", fault.Refused, c.ID, s.ID, printable(id), printable(s.whose()))
	case s.Refused != "":
		return fmt.Errorf("%w: the test sign-in of %s was refused: %s: %s", fault.Refused, c.ID, s.Refused, printable(s.Detail))
	}
	return nil
}
