package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// connectionsPath is where the connections of a platform are seen. Nothing is changed there: the operator does that.
const connectionsPath = root + "/connections"

// ConnectionStore reads how connections do.
type ConnectionStore interface {
	ConnectionUses(ctx context.Context, p platform.ID) (map[federation.ID]staff.ConnectionUse, error)
	Refusals(ctx context.Context, p platform.ID, c federation.ID, limit int, by audit.Reader, now time.Time) ([]audit.Recorded, error)
	ConfirmedBy(ctx context.Context, p platform.ID, c federation.ID, at time.Time) (string, error)
}

// ConnectionsPage lists the connections of a platform.
type ConnectionsPage struct {
	Chrome
	Connections []ConnectionLine
}

// ConnectionLine is a connection, and how it does. Of its settings it has what people can read, and nothing that is secret.
type ConnectionLine struct {
	ID       string            // what the operator calls it
	Names    map[string]string // of the organisation, by language
	URL      string            // of its page
	Protocol string            // text key
	State    string            // text key
	Tone     string            // of the state: on, warn, or empty
	Domains  []ConnectionDomain
	Admits   string // text key of whether who is new comes in
	Counts   string // text key of whether two factors there count here
	Contact  string // mail address; empty: managers are told
	Use      ConnectionUse
}

// ConnectionUse is how a connection does.
type ConnectionUse struct {
	Linked    int
	UsedAt    time.Time // zero: never, or it is not on record
	RefusedAt time.Time // zero: never, or it is not on record
	Refused   string    // text key of why; empty: it has none
}

// ConnectionDomain is a domain of mail addresses, and what is known of whose it is.
type ConnectionDomain struct {
	Name string
	Key  string // text key
}

// hasConnections reports whether there is anything to see on these pages.
func (s *Server) hasConnections(v *Visit) bool { return len(s.Connections(v.Platform.ID)) > 0 }

// showConnections lists them (testdata/journeys/staff_connections.txt).
func (s *Server) showConnections(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page := ConnectionsPage{Chrome: s.chrome(v)}
	all := slices.Clone(s.Connections(v.Platform.ID))
	if len(all) > 0 {
		uses, err := s.Uses.ConnectionUses(r.Context(), v.Platform.ID)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b *federation.Connection) int { return cmp.Compare(a.ID, b.ID) })
		for _, c := range all {
			page.Connections = append(page.Connections, s.connectionLine(v, c, uses[c.ID]))
		}
	}
	return s.show(w, r, v, "staff_connections", page)
}

// connectionLine is a connection in words.
func (s *Server) connectionLine(v *Visit, c *federation.Connection, u staff.ConnectionUse) ConnectionLine {
	l := lineOf(c, v.Platform.URL(connectionsPath+"/"+string(c.ID)))
	l.Use = ConnectionUse{Linked: u.Linked, UsedAt: u.UsedAt, RefusedAt: u.RefusedAt}
	if u.Refused != "" {
		l.Use.Refused = wordKey(s.Engine.UI, audit.FederatedRefused, string(u.Refused))
	}
	return l
}

// lineOf is what a connection's settings say.
func lineOf(c *federation.Connection, url string) ConnectionLine {
	state, tone := connectionState(c)
	l := ConnectionLine{
		ID: string(c.ID), Names: c.Names, URL: url, Protocol: "staff.connection_" + string(c.Kind), State: state, Tone: tone,
		Admits: "staff.connections_" + jit(c), Counts: "staff.connections_" + counting(c, "count"), Contact: c.Contact,
	}
	for _, d := range c.Domains {
		l.Domains = append(l.Domains, ConnectionDomain{d.Name, domainKey(d)})
	}
	return l
}

// connectionState is how a connection stands: off, on without a confirmed test, or on.
func connectionState(c *federation.Connection) (key, tone string) {
	switch {
	case c.Disabled:
		return "staff.connection_off", ""
	case c.Baseline == nil:
		return "staff.connection_unconfirmed", "warn"
	}
	return "staff.connection_on", "on"
}

// jit is who comes in that is not linked, as text keys have it.
func jit(c *federation.Connection) string { return "jit_" + cmp.Or(string(c.Access.JIT), "off") }

// counting is whether two factors there count here, as text keys have it.
func counting(c *federation.Connection, word string) string {
	if c.Contract.Proves() {
		return word
	}
	return word + "_not"
}

// domainKey says by what it is known that a domain is the organisation's.
func domainKey(d federation.Domain) string {
	switch {
	case d.Proven && d.Vouched:
		return "staff.connection_domain_vouched"
	case d.Proven:
		return "staff.connection_domain_proven"
	}
	return "staff.connection_domain_open"
}
