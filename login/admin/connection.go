package admin

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// ConnectionPage says of one connection what is agreed, what was confirmed, and what was refused lately.
type ConnectionPage struct {
	Chrome
	ConnectionLine
	Says      Finding // how it stands
	Issuer    string  // whose answers are taken, as the protocol names it
	Place     string  // text key: where the login page has its button
	Idle      string  // text key: what is asked after the idle hour
	Person    ConnectionKey
	Access    ConnectionAccess
	Contract  ConnectionContract
	Confirmed *Confirmed // nil: no test was confirmed
	Refusals  []Refusal
	Back      string
}

// ConnectionKey is which of the values that an organisation sends is the person, for ever.
type ConnectionKey struct {
	Key       string // text key
	Attribute string // its name, where it is one
}

// ConnectionAccess is whom a connection is for, and as what somebody comes in.
type ConnectionAccess struct {
	Who     string   // text key of who comes in at all
	For     []string // text keys of roles
	Role    string   // text key of the role of a new account that no row of Table names; empty: none
	Table   []ConnectionRole
	Strict  bool     // who fits no row does not come in
	Manages []string // text keys of roles that help others and are given by the table
}

// ConnectionRole is a role or group there, and the role that it gives here.
type ConnectionRole struct {
	Value string
	Role  string // text key
}

// ConnectionContract is what the organisation's answers count for.
type ConnectionContract struct {
	Counts string // text key of whether two factors there count here
	Preset string // text key of the product whose rows are among Rows; empty: none
	Rows   []ContractRow
	MaxAge time.Duration // two factors count so long after they were shown; zero: as long as the sign-in
}

// ContractRow is a value of an answer, and what it counts for.
type ContractRow struct {
	Claim, Value string
	Counts       string   // text key
	AMR          []string // what our tokens say of it
}

// Confirmed is what the last confirmed test sign-in brought.
type Confirmed struct {
	At     time.Time
	By     Named  // not there: it is not on record
	Counts string // text key
	Domain string // of the address; empty: there was none
	Format string // of the NameID; empty: none was said
	Claims []string
}

// Refusal is that somebody who came by a connection was not signed in. It names nobody.
type Refusal struct {
	At        time.Time
	Why       []Why
	Reference string
	URL       string // of what is on record of the reference
}

// showConnection shows one of the platform's own; of another platform there is none.
func (s *Server) showConnection(w http.ResponseWriter, r *http.Request, v *Visit) error {
	all := s.Connections(v.Platform.ID)
	i := slices.IndexFunc(all, func(c *federation.Connection) bool { return string(c.ID) == mux.Vars(r)["connection"] })
	if i < 0 {
		s.Engine.NotFound(w, r)
		return nil
	}
	c := all[i]
	uses, err := s.Uses.ConnectionUses(r.Context(), v.Platform.ID)
	if err != nil {
		return err
	}
	page := connectionPage(c)
	page.Chrome, page.ConnectionLine, page.Back = s.chrome(v), s.connectionLine(v, c, uses[c.ID]), v.Platform.URL(connectionsPath)
	if page.Confirmed, err = s.confirmed(r, v, c); err != nil {
		return err
	}
	refused, err := s.Uses.Refusals(r.Context(), v.Platform.ID, c.ID, staff.ConnectionRefusals, v.reader(), v.Now)
	if err != nil {
		return err
	}
	for _, e := range refused {
		why, _ := Words(s.Engine.UI, e.Kind, e.Reason)
		line := Refusal{At: e.At, Why: why, Reference: e.Reference}
		if e.Reference != "" {
			line.URL = v.Platform.URL(root+"/reference") + "?number=" + e.Reference
		}
		page.Refusals = append(page.Refusals, line)
	}
	return s.show(w, r, v, "staff_connection", page)
}

// confirmed is the baseline of a connection in words, with who confirmed it; nil: there is none.
func (s *Server) confirmed(r *http.Request, v *Visit, c *federation.Connection) (*Confirmed, error) {
	if c.Baseline == nil {
		return nil, nil
	}
	by, err := s.Uses.ConfirmedBy(r.Context(), v.Platform.ID, c.ID, c.Baseline.At)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	known, err := s.persons(r, v, nil, by)
	if err != nil {
		return nil, err
	}
	return confirmedOf(c, known.of(v, by)), nil
}

func confirmedOf(c *federation.Connection, by Named) *Confirmed {
	b := c.Baseline
	if b == nil {
		return nil
	}
	return &Confirmed{At: b.At, By: by, Counts: "staff.connection_" + factors(b.ACR), Domain: b.Domain, Format: b.Format, Claims: b.Claims}
}

// connectionPage is what a connection's settings say.
func connectionPage(c *federation.Connection) ConnectionPage {
	return ConnectionPage{
		Says: connectionSays(c), Issuer: cmp.Or(c.OIDC.Issuer, c.SAML.EntityID),
		Place: "staff.connection_place_" + cmp.Or(string(c.Place), "above"), Idle: "staff.connection_idle_" + cmp.Or(string(c.Idle), "fresh"),
		Person: ConnectionKey{"staff.connection_key_" + string(c.Key.By), c.Key.Attribute}, Access: accessOf(c), Contract: contractOf(c),
	}
}

func connectionSays(c *federation.Connection) Finding {
	key, tone := connectionState(c)
	return Finding{Key: key + "_what", Tone: map[string]string{"on": "done", "warn": "warning", "": "stopped"}[tone]}
}

func accessOf(c *federation.Connection) ConnectionAccess {
	a := ConnectionAccess{Who: "staff.connection_" + jit(c), Strict: c.Access.Strict}
	for _, r := range platform.Roles {
		if c.For(r) {
			a.For = append(a.For, roleKey(r))
		}
	}
	if c.Access.JIT == federation.JITCreate && c.Access.Role != "" {
		a.Role = roleKey(c.Access.Role)
	}
	for _, row := range c.Access.Table {
		a.Table = append(a.Table, ConnectionRole{row.Value, roleKey(row.Role)})
	}
	for _, r := range c.Access.Manages {
		a.Manages = append(a.Manages, roleKey(r))
	}
	return a
}

func contractOf(c *federation.Connection) ConnectionContract {
	contract := ConnectionContract{Counts: "staff.connection_" + counting(c, "counts"), MaxAge: c.Contract.MaxAge}
	if c.Contract.Preset != federation.NoPreset {
		contract.Preset = "staff.connection_preset_" + underscored(string(c.Contract.Preset))
	}
	for _, row := range slices.Concat(c.Contract.Rows, c.Contract.Preset.Rows()) {
		line := ContractRow{Claim: string(row.Claim), Value: row.Value, Counts: "staff.connection_" + factors(row.ACR), AMR: row.AMR}
		if row.ACR == authn.TwoFactor && !c.Contract.Counts {
			line.Counts, line.AMR = "staff.connection_two_not", nil
		}
		contract.Rows = append(contract.Rows, line)
	}
	return contract
}

// factors is how many factors a level is, as text keys have it.
func factors(level authn.ACR) string {
	if level == authn.TwoFactor {
		return "two"
	}
	return "one"
}
