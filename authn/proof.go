package authn

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Kinds is a set of authentication factors in the sense of NIST SP 800-63B-4: something you know, have or are.
type Kinds uint8

const (
	Knows Kinds = 1 << iota
	Has
	Is
)

// Two reports whether at least two different kinds are in the set.
func (k Kinds) Two() bool { return k&(k-1) != 0 }

// Proof is one factor shown at one time. Everything a token says about it is copied when it is shown, so that an
// old session stays true when a factor is renamed, changed or removed.
type Proof struct {
	Method     string               `json:"method"` // the factor's name: password, totp
	Use        account.Use          `json:"use"`
	Kinds      Kinds                `json:"kinds,omitempty"`
	AMR        []string             `json:"amr,omitempty"` // RFC 8176 values
	Credential account.CredentialID `json:"credential,omitempty"`
	Version    int64                `json:"version,omitempty"` // Counter of a primary credential when it was shown
	At         time.Time            `json:"at"`
	Journey    string               `json:"journey,omitempty"`  // in which it was given; it is fresh for what that journey answers
	Issuer     string               `json:"issuer,omitempty"`   // the upstream that vouched for it; empty: shown to us
	For        time.Duration        `json:"for,omitempty"`      // of a waiver: how long browsers were remembered when it was granted; zero: not noted
	Device     *OnDevice            `json:"device,omitempty"`   // of a PIN: on which device; nil: of anything else
	Upstream   *OnUpstream          `json:"upstream,omitempty"` // of a sign-in elsewhere: nil: of anything else
	Source     string               `json:"source,omitempty"`   // how it came here from another session, such as qr; empty: it was given here
}

// OnDevice is what a PIN was shown on, as it was then.
type OnDevice struct {
	ID     string  `json:"device"`
	Way    string  `json:"way"`              // how the account came onto it
	Level  ACR     `json:"level"`            // of what was shown for that
	Proofs []Proof `json:"proofs,omitempty"` // … where another session let it in, with their Source; no token tells of them
}

// OnUpstream is where an organisation's own sign-in vouched for somebody.
type OnUpstream struct {
	Connection string    `json:"connection"`
	Subject    string    `json:"subject"`            // the person there, as it ends sessions: `sub`, or NameID
	Session    string    `json:"session,omitempty"`  // there: `sid`, or SessionIndex
	Bounces    bool      `json:"bounces,omitempty"`  // after the idle hour it does that the person is still known there
	Told       time.Time `json:"told"`               // when the answer came, by our clock
	TwoUntil   time.Time `json:"two_until,omitzero"` // two factors there count so long; zero: as long as what they were shown for
	OneAMR     []string  `json:"one_amr,omitempty"`  // what `amr` says of it afterwards
}

// CameFrom is where a session came from: the upstream that vouched last; zero: none did.
func CameFrom(proofs []Proof) OnUpstream {
	var from OnUpstream
	for _, p := range proofs {
		if p.Upstream != nil && p.Upstream.Told.After(from.Told) {
			from = *p.Upstream
		}
	}
	return from
}

// MailCode is the method of a code that came by mail to the address of an account. It says whose account it is to be
// for who is known elsewhere, is no factor of any kind, and lets nobody in by itself.
const MailCode = "mail_code"

// mailed reports whether the proof is such a code.
func (p Proof) mailed() bool { return p.Method == MailCode && p.Use == account.Link }

// button reports whether the proof is the button of a mail.
func (p Proof) button() bool { return p.Use == account.Link && !p.mailed() }

// Mailed reports whether a journey was given the code of a mail.
func Mailed(j *Journey) bool {
	return slices.ContainsFunc(j.Proofs, func(p Proof) bool { return p.mailed() && p.Journey == j.ID })
}

// MayProveByMail reports whether a code of a mail may say whose account it is. It may not of a helpdesk employee or a
// manager, who must show password and code, nor of an account whose two-step authentication staff reset: there the mail
// is one of two things that its owner must show.
func MayProveByMail(a *account.Account) bool {
	return a.State != account.Deactivated && a.Role != platform.Helpdesk && a.Role != platform.Manager && a.MarkedAt.IsZero()
}

// second reports whether the proof can stand as the second step: a code, or a primary that covers two kinds itself.
func (p Proof) second() bool {
	return p.Use == account.Second || p.Use == account.Recovery || p.Kinds.Two()
}

// AsOf are the proofs as they count now: two factors that an organisation vouched for, and that count for so long as
// was agreed, are one afterwards, in the rules and in what tokens say. What was answered before stays true: a grant
// keeps the proofs of its sign-in, and a refresh says what that was.
//
// It is the only place that knows. Sessions are read as of now (storage.Session), and rules ask it again of what they
// are given: the proofs of a journey lapse while somebody looks at a page.
func AsOf(proofs []Proof, now time.Time) []Proof {
	lapsed := func(p Proof) bool {
		return p.Upstream != nil && !p.Upstream.TwoUntil.IsZero() && now.After(p.Upstream.TwoUntil) && p.Kinds.Two()
	}
	if !slices.ContainsFunc(proofs, lapsed) {
		return proofs
	}
	all := slices.Clone(proofs)
	for i, p := range all {
		if lapsed(p) {
			all[i].Kinds, all[i].AMR = Knows, p.Upstream.OneAMR
		}
	}
	return all
}

// stillKnown reports whether an organisation's sign-in still knew somebody then, where that does after the idle hour.
func (p Proof) stillKnown(since time.Time) bool {
	return p.Upstream != nil && p.Upstream.Bounces && !p.Upstream.Told.Before(since)
}

// VouchedSkew is how far the clock of an organisation's sign-in may be behind ours.
const VouchedSkew = 60 * time.Second

// freshIn reports whether a proof that a journey was given was shown in it. What an organisation vouches for was, if
// the person signed in there since the journey began: an old sign-in that was answered silently is no fresh one.
func (p Proof) freshIn(j *Journey) bool {
	return p.Upstream == nil || !p.At.Before(j.StartedAt.Add(-VouchedSkew))
}

// allowed reports whether a waiver still counts where browsers are remembered for so long: not when that became
// shorter.
func (p Proof) allowed(remember time.Duration) bool { return remember > 0 && remember >= p.For }

// Stands reports whether a proof of an unfinished journey still counts: what it was given with is what it was then. A
// password that was changed meanwhile proves nothing, nor does a phone that was replaced.
func (p Proof) Stands(a *account.Account) bool {
	if p.Credential == "" || p.Use == account.Recovery { // a recovery code was spent when it was shown
		return true
	}
	return slices.ContainsFunc(a.Credentials, func(c account.Credential) bool {
		return c.ID == p.Credential && c.Usable() && (p.Use != account.Primary || c.Counter == p.Version)
	})
}

// OwnerShown reports whether a journey was given what an account asks after staff reset its two-step authentication: a
// primary proof, such as the password, and the button of a mail. Either alone may be somebody else's by then.
func OwnerShown(journey string, proofs []Proof) bool {
	given := func(fits func(Proof) bool) bool {
		return slices.ContainsFunc(proofs, func(p Proof) bool { return p.Journey == journey && fits(p) })
	}
	return journey != "" && given(func(p Proof) bool { return p.Use == account.Primary }) && given(Proof.button)
}

// AMR is the `amr` claim: the registered values of all proofs (RFC 8176 section 2), each once and sorted, with
// "mfa" when two kinds are covered.
func AMR(proofs []Proof) []string {
	var amr []string
	for _, p := range proofs {
		amr = append(amr, p.AMR...)
	}
	if kinds(proofs).Two() {
		amr = append(amr, "mfa")
	}
	slices.Sort(amr)
	return slices.Compact(amr)
}

// AuthTime is the `auth_time` claim: when the newest primary proof was given. A code alone does not move it.
func AuthTime(proofs []Proof) time.Time {
	var at time.Time
	for _, p := range proofs {
		if p.Use == account.Primary && p.At.After(at) {
			at = p.At
		}
	}
	return at
}

// Merge adds newer proofs to older ones: of each method the newest counts.
func Merge(older, newer []Proof) []Proof {
	merged := slices.DeleteFunc(slices.Clone(older), func(o Proof) bool {
		return slices.ContainsFunc(newer, func(n Proof) bool { return n.Method == o.Method })
	})
	return append(merged, newer...)
}

func kinds(proofs []Proof) (all Kinds) {
	for _, p := range proofs {
		all |= p.Kinds
	}
	return all
}
