package account

import "time"

// CredentialID identifies one credential: 130 random bits.
type CredentialID string

// Use says where in a sign-in a credential counts, so that no rule needs to know a method by name.
type Use string

const (
	Primary  Use = "primary"  // shown first: a password, a passkey, a device with its PIN
	Second   Use = "second"   // asked after the primary: an app code, a text message
	Recovery Use = "recovery" // stands in for a second factor, and enrols nobody
	Waiver   Use = "waiver"   // a remembered browser: nothing was shown, and it says so
	Link     Use = "link"     // the button of a mail: leads in, and proves no kind of factor
)

// Credential is one shape for every factor, so that a new factor needs no migration.
type Credential struct {
	ID          CredentialID
	Account     ID
	Method      string // the factor's name: password, totp, sms
	Use         Use
	Label       string // what settings show: "SMS, eindigt op 16"
	External    string // names somebody elsewhere, such as at an organisation's own sign-in: one of a method and platform; empty: nobody
	Sealed      []byte // the factor's own secret, sealed and bound to account, method and id
	Counter     int64  // last TOTP step or passkey count; only ever rises
	AddedAt     time.Time
	ConfirmedAt time.Time // zero: being set up, proves nothing yet
	UsedAt      time.Time
	RetiredAt   time.Time // set: kept for the record, proves nothing any more
}

// Usable reports whether the credential can prove anything.
func (c Credential) Usable() bool { return !c.ConfirmedAt.IsZero() && c.RetiredAt.IsZero() }

// Binding is the additional data that ties Sealed to its row: a sealed secret copied to another account, method or
// credential does not open.
func (c Credential) Binding() string {
	return "credential/" + string(c.Account) + "/" + c.Method + "/" + string(c.ID)
}
