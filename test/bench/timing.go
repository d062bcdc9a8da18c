package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/secret"
	loginpassword "github.com/minddistrict/idp/login/password"
)

// kinds of addresses. Each answer to the first is compared with those to the others in its round.
var kinds = []string{"known", "unknown", "deactivated", "invited"}

// endpoint is a page that takes an address from anybody.
type endpoint struct {
	name string
	path string // below that of the login; empty: the login itself
	form url.Values
}

var endpoints = []endpoint{
	{"login, wrong password", "", url.Values{"password": {"not the password of anybody 1"}}},
	{"forgot password", "forgot", nil},
	{"sign-up", "sign-up", url.Values{"given_name": {"Anna"}, "family_name": {"Bakker"}}},
}

// timing asks each endpoint about addresses of every kind in turn, and prints whether the time of an answer tells of
// which kind an address is. No limit is reached, because each address and each source is used once.
func timing(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("timing", flag.ExitOnError)
	rounds := flags.Int("n", 1000, "rounds, each with one address of every kind")
	onSQLite := flags.Bool("on-sqlite", false, "measure on SQLite instead of PostgreSQL")
	p, err := readPlan(flags, args)
	if err != nil {
		return err
	}
	if err := pinSelf(p.otherCPU); err != nil {
		return err
	}
	dsn, database := "sqlite:"+filepath.Join(p.dir, "timing.db"), 0
	if *onSQLite {
		defer func() { _ = os.Remove(filepath.Join(p.dir, "timing.db")) }()
	} else {
		pg, err := startPostgres(filepath.Join(p.dir, "postgres"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pg.stop()) }()
		dsn, database = pg.DSN, pg.PID
	}
	binary := filepath.Join(p.dir, "idp")
	if err := build(ctx, ".", binary); err != nil {
		return err
	}
	s, err := newIDP(ctx, binary, p.dir, "timing", p.serverCPU, dsn, database)
	if err != nil {
		return err
	}
	if err := addPeople(ctx, s, binary, filepath.Join(p.dir, "timing.yaml"), *rounds); err != nil {
		return err
	}
	s.env = append(s.env, "IDP_TRUSTED_PROXIES=127.0.0.1")
	if err := s.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	fmt.Println("| endpoint | known against | p50 ms, known | p50 ms, other | median of differences, ms | goal | | AUC | goal | |\n|---|---|---|---|---|---|---|---|---|---|")
	for _, e := range endpoints {
		took, err := interleaved(ctx, s.provider, e, *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		for _, kind := range kinds[1:] {
			known, other := took[kinds[0]], took[kind]
			difference, area := medianDifference(known, other), auc(known, other)
			fmt.Printf("| %s | %s | %.2f | %.2f | %+.3f | ±%.0f | %s | %.3f | %.2f to %.2f | %s |\n", e.name, kind, median(known), median(other),
				difference, timingDifference, within(math.Abs(difference), timingDifference), area, 0.5-timingArea, 0.5+timingArea, within(math.Abs(area-0.5), timingArea))
		}
	}
	return nil
}

func within(measured, goal float64) string {
	if measured <= goal {
		return "met"
	}
	return "missed"
}

// addressOf is the address of a kind in a round at an endpoint; all are equally long.
func addressOf(e endpoint, kind string, round int) string {
	return fmt.Sprintf("%.1s.%.1s.%06d@example.org", kind, e.name, round)
}

// addPeople applies accounts for every endpoint, kind and round. Those with a password share one hash, so that it takes
// no minutes.
func addPeople(ctx context.Context, s *server, binary, file string, rounds int) error {
	hash, err := loginpassword.NewPool(1, 0, loginpassword.DefaultParams).Hash(ctx, password)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "platforms:\n  - name: bench\n    issuer: %s\n    organisation: Bench\n    home_url: %s\n    policy: { self_sign_up: true }\n    accounts:\n", s.Issuer, s.Issuer)
	for kind, more := range map[string]string{
		"known":       fmt.Sprintf(", password_hash: %q", hash),
		"deactivated": fmt.Sprintf(", password_hash: %q, deactivated: true", hash),
		"invited":     "",
	} {
		for _, e := range endpoints {
			for round := range rounds {
				fmt.Fprintf(&b, "      - { email: %s, name: { given: Anna, family: Bakker }%s }\n", addressOf(e, kind, round), more)
			}
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, binary, "apply", "--weaken", file) // people may sign up now
	c.Env = s.env
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("idp apply: %w: %s", err, out)
	}
	return nil
}

// interleaved returns the times of each kind, in milliseconds, by round. The order of kinds is drawn in each round: what
// an answer leaves to do in the background falls on every kind alike.
func interleaved(ctx context.Context, p *provider, e endpoint, rounds int) (map[string][]float64, error) {
	w := &worker{provider: p, browser: newBrowser()}
	defer w.close()
	took := map[string][]float64{}
	var first *response
	for round := range rounds {
		for _, kind := range drawn(kinds) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			ms, answer, err := w.ask(e, addressOf(e, kind, round))
			if err != nil {
				return nil, err
			}
			first = cmp.Or(first, answer)
			if answer.status != first.status || len(answer.body) != len(first.body) {
				return nil, fmt.Errorf("round %d: an answer for %s has status %d and %d bytes, the first had %d and %d: %s",
					round, kind, answer.status, len(answer.body), first.status, len(first.body), clip(answer.body))
			}
			took[kind] = append(took[kind], ms)
		}
	}
	return took, nil
}

// drawn is a list in an order that is drawn.
func drawn(all []string) []string {
	keys := map[string]string{}
	for _, s := range all {
		keys[s] = secret.ID()
	}
	return slices.SortedFunc(slices.Values(all), func(a, b string) int { return strings.Compare(keys[a], keys[b]) })
}

// ask goes to an endpoint as somebody new from somewhere new, and tells how long the answer to an address took: from
// sending the form to the page that it leads to.
func (w *worker) ask(e endpoint, email string) (ms float64, answer *response, err error) {
	clear(w.cookies)
	n := people.Add(1)
	w.from = fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
	start, err := url.Parse(w.Issuer + "/settings")
	if err != nil {
		return 0, nil, err
	}
	page, answer, err := w.follow("GET", start, nil)
	if err == nil && e.path != "" {
		page, answer, err = w.follow("GET", page.ResolveReference(&url.URL{Path: e.path}), nil)
	}
	if err != nil {
		return 0, nil, err
	}
	f := pick(parseForms(answer.body), "email")
	if f == nil || !f.values.Has("email") {
		return 0, nil, fmt.Errorf("%s: no form that asks an address: %s", page, clip(answer.body))
	}
	f.values.Set("email", email)
	for name, value := range e.form {
		f.values[name] = value
	}
	to, err := page.Parse(f.action)
	if err != nil {
		return 0, nil, err
	}
	began := now()
	_, answer, err = w.follow(f.method, to, f.values)
	return now().Sub(began).Seconds() * 1000, answer, err
}

// follow sends a request and follows redirects on the server.
func (w *worker) follow(method string, u *url.URL, values url.Values) (*url.URL, *response, error) {
	for range maxHops {
		r, err := w.do(method, u, "", values)
		if err != nil {
			return nil, nil, err
		}
		to := r.header.Get("Location")
		if r.status < 300 || r.status >= 400 || to == "" {
			return u, r, nil
		}
		if u, err = u.Parse(to); err != nil {
			return nil, nil, err
		}
		method, values = "GET", nil
	}
	return nil, nil, errors.New("too many redirects")
}
