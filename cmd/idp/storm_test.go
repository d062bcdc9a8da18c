package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/test/program"
)

const (
	stormSize = 500
	// stormMemory is what docs/operating.md, Sizing, promises for two hash workers, with a third on top: it is no assertion
	// on what a machine does with memory that nobody asks for.
	stormMemory = 240 << 10 // KiB
)

// Five hundred people send their password at once to a server as it is shipped, each from an address of their own: half of
// them have an account, half of those type the right password. Whoever finds no place in the queue is told so before
// anything is looked up or counted, whoever found one gets an answer, or is told so too where the machine is so busy that
// the queue does not move; nothing counts against them. Parties and the balancer notice nothing.
func TestStormOfLogins(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { return idptest.EmptyPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) { newInstall(t, dsn(t)).with("IDP_TRUSTED_PROXIES=127.0.0.1").storm() })
	}
}

func (i *install) storm() {
	i.setUp()
	i.OK("apply", i.crowd())
	server := i.serve()
	anna := i.visitor()
	anna.signIn(i)
	forms := i.crowdAtLogin()

	calm := beside(func() { i.askAround(anna) })
	answers := i.atOnce(forms)
	rounds := calm()
	admitted, wrong, longest := 0, 0, time.Duration(0)
	for n, a := range answers {
		switch {
		case a.status == http.StatusServiceUnavailable:
			i.toldToComeBack(n, a)
		case a.status == http.StatusSeeOther && a.ended == (n%4 == 0):
			admitted, longest = admitted+1, max(longest, a.took)
			if !a.ended {
				wrong++
			}
		default:
			i.t.Errorf("login %d: %d, at its end %t after %s: %.200s", n, a.status, a.ended, a.took, a.body)
		}
	}
	i.t.Logf("%d of %d admitted within %s, %d rounds of everybody else meanwhile, %d KiB", admitted, stormSize, longest, rounds, peak(server))
	if admitted == 0 || admitted > stormSize-100 || rounds == 0 {
		i.t.Errorf("%d of %d admitted, want some, and many turned away; %d rounds", admitted, stormSize, rounds)
	}
	i.counting(2 * wrong) // of each at the address and at its source
	if peak := peak(server); peak > stormMemory {
		i.t.Errorf("%d KiB of memory, want at most %d", peak, stormMemory)
	}
	i.shedIsTold(server, stormSize-admitted)
	i.visitor().signIn(i) // there is room again
	if n := i.metric("idp_hashes_waiting"); n != 0 {
		i.t.Errorf("%v places are still taken", n)
	}
}

// crowd is a file for `idp apply` that adds the accounts of a storm: those with an even number. They share one hash, so
// that it takes no minute.
func (i *install) crowd() string {
	i.t.Helper()
	hash, err := password.NewPool(1, 0, password.DefaultParams).Hash(i.t.Context(), annasWords)
	if err != nil {
		i.t.Fatal(err)
	}
	sample, err := os.ReadFile(i.sample())
	if err != nil {
		i.t.Fatal(err)
	}
	var b strings.Builder
	b.Write(sample)
	for n := 0; n < stormSize; n += 2 {
		fmt.Fprintf(&b, "      - { email: %s, name: { given: Jo, family: Berg }, password_hash: %q }\n", inCrowd(n), hash)
	}
	return i.File("crowd.yaml", b.String())
}

func inCrowd(n int) string { return fmt.Sprintf("p%03d@example.org", n) }

// crowdAtLogin are the forms of a storm, each filled in on a login page of its own in a browser that reads English.
func (i *install) crowdAtLogin() []*http.Request {
	i.t.Helper()
	var forms []*http.Request
	for n := range stormSize {
		v := i.visitor()
		v.open(http.MethodGet, i.authorize("linde-web", ""), nil)
		if v.status != http.StatusOK {
			i.t.Fatalf("login page: %d %s", v.status, v.body)
		}
		words := annasWords
		if n%4 != 0 {
			words = "helaas, dit is hem niet!"
		}
		r := request(i.t, http.MethodPost, v.page, url.Values{"email": {inCrowd(n)}, "password": {words}, "do": {"continue"}})
		for name, value := range v.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", n>>8, n&255))
		r.Header.Set("Accept-Language", "en")
		forms = append(forms, r)
	}
	return forms
}

// stormAnswer is the answer to a form.
type stormAnswer struct {
	status int
	header http.Header
	body   string
	ended  bool // it began a session
	took   time.Duration
}

// atOnce sends all forms at the same time.
func (i *install) atOnce(forms []*http.Request) []stormAnswer {
	answers, start := make([]stormAnswer, len(forms)), make(chan struct{})
	var all sync.WaitGroup
	for n, form := range forms {
		all.Go(func() {
			<-start
			began := time.Now()
			a := &answers[n]
			a.status, a.header, a.body = do(i.t, form)
			a.took = time.Since(began)
			a.ended = strings.Contains(strings.Join(a.header.Values("Set-Cookie"), " "), "linde-session=")
		})
	}
	close(start)
	all.Wait()
	return answers
}

// beside does something again and again until it is asked how often.
func beside(do func()) (stop func() int) {
	ended, n := make(chan struct{}), 0
	var loop sync.WaitGroup
	loop.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
				do()
				n++
			}
		}
	})
	return func() int { close(ended); loop.Wait(); return n }
}

// askAround is what goes on beside logins: a refresh, the key set, a look of the balancer.
func (i *install) askAround(anna *visitor) {
	if status, _, body := anna.refreshed(); status != http.StatusOK {
		i.t.Errorf("refresh: %d %s", status, body)
	}
	for _, address := range []string{i.issuer + "/keys", i.operator + "/readyz"} {
		if status, _, body := get(i.t, address); status != http.StatusOK {
			i.t.Errorf("%s: %d %.200s", address, status, body)
		}
	}
}

// toldToComeBack looks at what a person sees who was turned away: in the browser's language, known or not.
func (i *install) toldToComeBack(n int, a stormAnswer) {
	i.t.Helper()
	if a.header.Get("Retry-After") != "5" || a.header.Get("Content-Language") != "en" || !strings.Contains(a.body, `<html lang="en"`) {
		i.t.Errorf("login %d: Retry-After %q, language %q: %.200s", n, a.header.Get("Retry-After"), a.header.Get("Content-Language"), a.body)
	}
}

// counting compares how many counters of wrong passwords count something.
func (i *install) counting(want int) {
	i.t.Helper()
	if got := i.rowsOf("attempts WHERE total > 0"); got != want {
		i.t.Errorf("%d counters count, want %d", got, want)
	}
}

// shedIsTold compares what operators are told of those who were turned away: a metric, and few lines in the log, none of
// them an error.
func (i *install) shedIsTold(server *program.Process, n int) {
	i.t.Helper()
	if got := i.metric(`idp_shed_total{waiting_for="password"}`); got != float64(n) {
		i.t.Errorf("idp_shed_total is %v, want %d", got, n)
	}
	told, lines := 0, 0
	counted := regexp.MustCompile(`"msg":"too many wait: some were turned away".*"count":(\d+)`)
	server.Soon(5*time.Second, "told how many were turned away", func() bool {
		told, lines = 0, 0
		for _, m := range counted.FindAllStringSubmatch(server.Log.String(), -1) {
			count, _ := strconv.Atoi(m[1]) // digits
			told, lines = told+count, lines+1
		}
		return told >= n
	})
	if told != n || lines > 60 { // one a second at most
		i.t.Errorf("%d lines tell of %d, want %d", lines, told, n)
	}
	if strings.Contains(server.Log.String(), `"level":"ERROR"`) {
		i.t.Errorf("errors in the log:\n%s", server.Log)
	}
}

// metric is the value of one line of /metrics; a missing one is -1.
func (i *install) metric(name string) float64 {
	i.t.Helper()
	_, _, body := get(i.t, i.operator+"/metrics")
	for line := range strings.Lines(body) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(text), 64) // of the Prometheus library
			return value
		}
	}
	return -1
}

// peak is the most memory that the process had, in KiB; 0 where the system does not tell.
func peak(p *program.Process) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); m != nil {
		n, _ := strconv.Atoi(string(m[1])) // digits
		return n
	}
	return 0
}
