package federation

import (
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// Reason is why a sign-in by a connection did not happen. Each has words for the person, and is what the record keeps.
type Reason string

const (
	// What the upstream said or did.
	Denied        Reason = "denied"      // it did not let the person through
	Cancelled     Reason = "cancelled"   // the person stopped there
	Unreachable   Reason = "unreachable" // no answer, or an error of its own
	Misconfigured Reason = "misset"      // it does not know us, or not our secret
	Interaction   Reason = "interaction" // it wanted to ask something although nothing was to be asked

	// What is wrong with an answer.
	Unsolicited   Reason = "unsolicited"    // nothing here asked for it, or another browser did, or too long ago
	Replayed      Reason = "replayed"       // it was here before
	BadSignature  Reason = "signature"      // not signed by a key that is known, or not as it must be
	BadAudience   Reason = "audience"       // for somebody else, or from somebody else
	BadTime       Reason = "time"           // too early or too late by our clock
	BadForm       Reason = "form"           // not what its protocol says
	StillOld      Reason = "old"            // the person was to sign in again there, and did not
	KeyMissing    Reason = "key"            // nothing in it says for ever who it is
	Drifted       Reason = "drift"          // it is less than the last confirmed test sign-in brought, or than was asked
	ForeignDomain Reason = "foreign_domain" // an address of another organisation

	// Whose account it is.
	NoAccount    Reason = "no_account"    // nobody here belongs to it, and none is made
	NoRole       Reason = "no_role"       // it names no role that comes in
	Inactive     Reason = "inactive"      // the account is deactivated
	OtherRole    Reason = "other_role"    // the connection is not for the role of the account
	OtherPerson  Reason = "other_person"  // another account was to be shown
	AlreadyOther Reason = "already_other" // the account is linked to somebody else there
	Unproven     Reason = "unproven"      // the person said to have an account, and the code of the mail was not right
	Unverified   Reason = "unverified"    // the person is new, and nobody stands for the address
	AddressTaken Reason = "address_taken" // the person said to be new, and an account has the address
	Closed       Reason = "closed"        // the connection is disabled or gone
)

// Refusal is that a sign-in by a connection did not happen. Detail is for who looks after the connection, in the words
// of the protocol: it names what was received and what was wanted, and never a secret.
type Refusal struct {
	Reason Reason
	Detail string
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// Unwrap makes every refusal a fault.Refused.
func (r *Refusal) Unwrap() error { return fault.Refused }

// Refuse makes a refusal.
func Refuse(why Reason, detail string, args ...any) *Refusal {
	return &Refusal{Reason: why, Detail: fmt.Sprintf(detail, args...)}
}

func refuse(why Reason, detail string, args ...any) error { return Refuse(why, detail, args...) }

// ReasonOf is why a sign-in did not happen; empty: the error is none of these.
func ReasonOf(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// RefuseOld is why an answer to the question for a new sign-in does not do.
func RefuseOld(a Answer) *Refusal {
	if a.AuthTime.IsZero() {
		return Refuse(StillOld, "auth_time is missing, asked for was a new sign-in")
	}
	return Refuse(StillOld, "signed in there at %s, asked for was a new sign-in", a.AuthTime.UTC().Format(time.RFC3339))
}
