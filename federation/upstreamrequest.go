package federation

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// UpstreamRequestLife is how long an upstream may take to answer: as long as a journey may.
const UpstreamRequestLife = 60 * time.Minute

// UpstreamRequest is what a browser is sent to an upstream with. Nothing is stored of it: its State is all that comes
// back, at any node, and what else it needs is derived from that. That it is over is stored, once (an answer is taken
// once).
type UpstreamRequest struct {
	State      string    // `state`, RelayState: at most 80 bytes, as SAML bindings allow
	Journey    string    // which it belongs to, or the identifier of a test sign-in
	Began      time.Time // exact to the second
	Test       bool      // a test sign-in
	Fresh      bool      // the person is to sign in there again
	TwoFactors bool      // two factors are asked, in the ways of the contract
	Nonce      string    // `nonce`
	Verifier   string    // `code_verifier` (RFC 7636 section 4.1)
	ID         string    // of the authentication request: an NCName

	// What is asked beside that, and does not come back.
	LoginHint  string // address
	DomainHint string // domain
	Locale     string
}

// MAC derives bytes from a purpose and data (keys.Sealer).
type MAC func(purpose, data string) []byte

// MACs derives them with each master key that is known: a request may have begun before a rotation of them, or at a
// node that is ahead of this one.
type MACs func(purpose, data string) [][]byte

// flags of a state.
const (
	flagFresh = 1 << iota
	flagTest
	flagTwo
)

// NewUpstreamRequest begins one.
func NewUpstreamRequest(mac MAC, p platform.ID, c ID, journey string, fresh, test bool, now time.Time) UpstreamRequest {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	flags := 0
	if fresh {
		flags |= flagFresh
	}
	if test {
		flags |= flagTest
	}
	body := strings.Join([]string{
		journey, strconv.FormatInt(now.Unix(), 36), strconv.Itoa(flags), base64.RawURLEncoding.EncodeToString(random),
	}, ".")
	return requestOf(mac, p, c, body, journey, flags, time.Unix(now.Unix(), 0).UTC())
}

// WithTwoFactors is the same request on which two factors are asked. What it asks passes through the browser, where
// anybody can take it out; its state is what we believe when it comes back.
func (t UpstreamRequest) WithTwoFactors(mac MAC, p platform.ID, c ID) UpstreamRequest {
	parts := strings.Split(t.State, ".")
	flags, _ := strconv.Atoi(parts[2]) // as NewUpstreamRequest wrote it
	flags |= flagTwo
	parts[2] = strconv.Itoa(flags)
	return requestOf(mac, p, c, strings.Join(parts[:4], "."), t.Journey, flags, t.Began)
}

func requestOf(mac MAC, p platform.ID, c ID, body, journey string, flags int, began time.Time) UpstreamRequest {
	data := of(p, c, body)
	return UpstreamRequest{
		State:   stateOf(body, mac(statePurpose, data)),
		Journey: journey, Began: began, Fresh: flags&flagFresh != 0, Test: flags&flagTest != 0, TwoFactors: flags&flagTwo != 0,
		Nonce:    base64.RawURLEncoding.EncodeToString(mac("upstream nonce", data)),
		Verifier: base64.RawURLEncoding.EncodeToString(mac("upstream verifier", data)),
		ID:       "_" + hex.EncodeToString(mac("upstream request", data)[:20]),
	}
}

const statePurpose = "upstream state"

// of is what everything of a request is derived from.
func of(p platform.ID, c ID, body string) string { return string(p) + "/" + string(c) + "/" + body }

func stateOf(body string, mac []byte) string {
	return body + "." + base64.RawURLEncoding.EncodeToString(mac[:16])
}

// Returned is the request that a state belongs to, of this connection. A Refusal: it is of none, or it took too long.
func Returned(macs MACs, p platform.ID, c ID, state string, now time.Time) (UpstreamRequest, error) {
	parts := strings.Split(state, ".")
	if len(parts) != 5 || !secret.IsID(parts[0]) {
		return UpstreamRequest{}, refuse(Unsolicited, "state or RelayState is none of ours")
	}
	seconds, errTime := strconv.ParseInt(parts[1], 36, 64)
	flags, errFlags := strconv.Atoi(parts[2])
	if errTime != nil || errFlags != nil {
		return UpstreamRequest{}, refuse(Unsolicited, "state or RelayState is none of ours")
	}
	body, began := strings.Join(parts[:4], "."), time.Unix(seconds, 0).UTC()
	own := slices.IndexFunc(macs(statePurpose, of(p, c, body)), func(mac []byte) bool {
		return subtle.ConstantTimeCompare([]byte(stateOf(body, mac)), []byte(state)) == 1
	})
	if own < 0 {
		return UpstreamRequest{}, refuse(Unsolicited, "state or RelayState is none of this connection's")
	}
	t := requestOf(func(purpose, data string) []byte { return macs(purpose, data)[own] }, p, c, body, parts[0], flags, began)
	if late := now.Sub(t.Began); late > UpstreamRequestLife || late < -MaxSkew {
		return UpstreamRequest{}, refuse(Unsolicited, "the sign-in began %s ago, and may take %s", late.Round(time.Second), UpstreamRequestLife)
	}
	return t, nil
}

// Stale reports whether an answer is older than was asked: the person was to sign in again after the request began.
func (t UpstreamRequest) Stale(a Answer) bool {
	return t.Fresh && a.AuthTime.Before(t.Began.Add(-MaxSkew))
}

// Expired is when nobody can answer it any more, by the clock of any node.
func (t UpstreamRequest) Expired() time.Time { return t.Began.Add(UpstreamRequestLife + MaxSkew) }

// Hash is how a request is kept when it is over.
func (t UpstreamRequest) Hash() []byte { return secret.Hash(t.State) }

// Redirect is where a browser is sent: an address, or a form that is posted there.
type Redirect struct {
	URL  string
	Form url.Values // nil: it is only opened
}

// Logout is what an upstream says is over: these sessions of a person there, or all of the person's where it names
// none.
type Logout struct {
	Subject  string    // `sub`, or NameID; empty: only sessions are named
	Sessions []string  // `sid`, or SessionIndex
	ID       string    // of what it was said with, which works once: `jti`, or the identifier of a LogoutRequest
	Until    time.Time // … and until when
}

// All are the sessions, or one empty one where none is named; none: it names nobody.
func (e Logout) All() []string {
	if len(e.Sessions) == 0 && e.Subject != "" {
		return []string{""}
	}
	return slices.DeleteFunc(slices.Clone(e.Sessions), func(s string) bool { return s == "" && e.Subject == "" })
}

// Hash names what it was said with.
func (e Logout) Hash(c ID) []byte { return secret.Hash("upstream logout\n" + string(c) + "\n" + e.ID) }

// StoredAnswer is an answer on its way from the request that brought it to the one that shows the browser's cookie.
type StoredAnswer struct {
	State  []byte // hash of the request
	Handle []byte // hash of what the browser comes back with
	Sealed []byte // the answer, bound to Binding
}

// Binding is the additional data that ties Sealed to its row.
func (k StoredAnswer) Binding(p platform.ID) string {
	return "upstream answer/" + string(p) + "/" + hex.EncodeToString(k.Handle)
}

// OwnKeys are the keys with which we sign and open for one connection: the first signs, all open and stand in what we
// publish, so that an organisation can take the next one over before it signs.
type OwnKeys struct {
	Keys []OwnKey `json:"keys"`
}

// OwnKey is one of them, an RSA key of 3072 bits.
type OwnKey struct {
	Private     []byte    `json:"private"`     // PKCS #8, DER
	Certificate []byte    `json:"certificate"` // X.509 signed by itself, DER
	MadeAt      time.Time `json:"made_at"`
}

// Document is the last good copy of what a connection reads at an address, such as metadata.
type Document struct {
	Address   string    // where it is read now: it is kept only while the settings say so, and is not stored
	Body      []byte    // nil: it was never read
	ReadAt    time.Time // zero: never at the address that the settings have, so that Body, if any, does not count
	TriedAt   time.Time
	LastError string // of the last try; empty: it went well
}
