package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync"
	"time"
)

// Suite is a server to ask, and how.
type Suite struct {
	Config   Config
	Configs  map[string]Config   // instead, by the name of a plan: those with other parties
	Base     string              // where the official suite would be reached, such as https://www.certification.openid.net; the parties are registered with it
	HTTP     http.RoundTripper   // reaches the server
	TLS      *tls.Config         // how it is trusted, where HTTP reaches it over connections; nil: it is in process
	Now      func() time.Time    // the server's clock
	Sleep    func(time.Duration) // lets time pass on it
	Told     *Receiver           // where parties are told that a session ended; nil: nowhere
	Parallel int                 // modules at once; with a clock that Sleep moves: 1
}

// Status is how a module ended.
type Status string

// The four ends of a module, as the official suite calls them.
const (
	Passed  Status = "passed"
	Warned  Status = "warned"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is how one module of a plan ended.
type Result struct {
	Plan, Module, Asks string
	Status             Status
	Notes              []string // what failed, what is warned of, why it was skipped
	Pictured           bool     // a person looks at the picture of a page, so it ends in REVIEW there
}

// Run runs plans and returns a result for every module, in order.
func (s *Suite) Run(ctx context.Context, plans ...Plan) []Result {
	var results []Result
	var runs []*run
	places := make(chan struct{}, s.Parallel)
	for _, p := range plans {
		with := s.configured(p)
		for _, m := range p.Modules {
			runs = append(runs, &run{Suite: with, ctx: ctx, plan: p, module: m, places: places, client: with.Config.Client})
		}
	}
	results = make([]Result, len(runs))
	var all sync.WaitGroup
	for _, i := range waitingFirst(runs) {
		r := runs[i]
		places <- struct{}{}
		all.Go(func() {
			results[i] = r.result()
			<-places
		})
	}
	all.Wait()
	return results
}

// waitingFirst are the places of runs in the order in which they begin: those that wait for a minute while others go
// on.
func waitingFirst(runs []*run) (order []int) {
	for _, waits := range []bool{true, false} {
		for i, r := range runs {
			if slices.Contains(waiting, r.module.Name) == waits {
				order = append(order, i)
			}
		}
	}
	return order
}

// configured is the suite with the configuration of a plan.
func (s *Suite) configured(p Plan) *Suite {
	c, ok := s.Configs[p.Name]
	if !ok {
		return s
	}
	with := *s
	with.Config = c
	return &with
}

// run is a module being run, with a browser of its own.
type run struct {
	*Suite
	ctx     context.Context
	plan    Plan
	module  Module
	places  chan struct{} // one is held while the module runs
	browser *visitor
	meta    metadata
	keys    keySet
	client  Client
	failed  []string
	warned  []string
}

// skipped is why a module cannot be run against this server, which is allowed.
type skipped string

func (s skipped) Error() string { return string(s) }

// result runs the module.
func (r *run) result() Result {
	res := Result{Plan: r.plan.Title, Module: r.module.Name, Asks: r.module.Asks, Status: Passed}
	err := r.start()
	res.Pictured = r.browser != nil && r.browser.pictured
	var why skipped
	if err != nil && !errors.As(err, &why) {
		r.fail("%v", err)
	}
	switch {
	case len(r.failed) > 0:
		res.Status, res.Notes = Failed, slices.Concat(r.failed, r.warned)
	case len(r.warned) > 0:
		res.Status, res.Notes = Warned, r.warned
	case why != "":
		res.Status, res.Notes = Skipped, []string{string(why)}
	}
	return res
}

// start does what every module begins with: an empty jar, the discovery document, the keys.
func (r *run) start() error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	visits := r.Config.visits(r.module.Name)
	r.browser = &visitor{http: r.HTTP, jar: jar, visits: visits, counts: map[int]int{}, own: r.own()}
	if r.meta, err = r.discover(); err != nil {
		return err
	}
	if r.keys, err = r.fetchKeys(); err != nil {
		return err
	}
	return r.module.run(r)
}

// fail notes something that must not be; the module goes on.
func (r *run) fail(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

// warn notes something that should not be.
func (r *run) warn(format string, args ...any) {
	r.warned = append(r.warned, fmt.Sprintf(format, args...))
}

// wait lets time pass; where several modules run at once, others may go on meanwhile.
func (r *run) wait(d time.Duration) {
	if r.Parallel == 1 {
		r.Sleep(d)
		return
	}
	<-r.places
	r.Sleep(d)
	r.places <- struct{}{}
}

// own is where the suite itself is reached: nothing below it is ever sent, the browser keeps it.
func (r *run) own() string {
	return strings.TrimSuffix(r.Base, "/") + "/test/a/" + r.Config.Alias + "/"
}

func (r *run) redirectURI() string { return r.own() + "callback" }

func (r *run) logoutURI() string { return r.own() + "post_logout_redirect" }

// do sends a request as a party's server does, and reads the answer.
func (r *run) do(req *http.Request) (*reply, error) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Charset", "utf-8")
	req.Header.Set("User-Agent", userAgent)
	return roundTrip(r.HTTP, req)
}

func (r *run) get(address string) (*reply, error) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return r.do(req)
}
