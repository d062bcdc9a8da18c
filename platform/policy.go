package platform

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// Role is what someone is on a platform. Clients and relatives share one half of the policy, the others the other.
type Role string

const (
	Client       Role = "client"       // a person in care, in the words of the help pages
	Relative     Role = "relative"     // invited by a client
	Professional Role = "professional" // therapist, supervisor, secretary
	Helpdesk     Role = "helpdesk"
	Manager      Role = "manager" // application manager: configures, sees no client data
)

// Roles lists every role in the order forms show them.
var Roles = []Role{Client, Relative, Professional, Helpdesk, Manager}

// Staff reports whether a role works for the organisation, so that the half of the policy that is for staff counts.
func (r Role) Staff() bool { return r == Professional || r == Helpdesk || r == Manager }

// ByGroup is a setting with one value for clients and relatives and one for staff.
type ByGroup[T any] struct {
	Client T `json:"client" yaml:"client,omitempty"`
	Staff  T `json:"staff" yaml:"staff,omitempty"`
}

// For returns the value that counts for a role.
func (g ByGroup[T]) For(r Role) T {
	if r.Staff() {
		return g.Staff
	}
	return g.Client
}

// Demand says whether a second factor is asked.
type Demand string

const (
	Off      Demand = "off"
	Optional Demand = "optional"
	Required Demand = "required"
)

// SecondFactor is the demand, possibly from a moment on: before RequiredFrom a required factor is offered with
// "not now" at each login (testdata/journeys/two_step_required_from.txt).
type SecondFactor struct {
	Demand       Demand        `json:"demand,omitzero"`
	RequiredFrom time.Time     `json:"required_from,omitzero"` // zero: at once
	OfferEvery   time.Duration `json:"offer_every,omitzero"`   // where optional, the set-up is offered this often; zero: never
}

// At returns the demand at a moment: a required factor is optional until its date.
func (s SecondFactor) At(now time.Time) Demand {
	if s.Demand == Required && now.Before(s.RequiredFrom) {
		return Optional
	}
	if s.Demand == "" {
		return Off
	}
	return s.Demand
}

// Policy is everything an organisation decides about signing in. DefaultPolicy has the published numbers.
type Policy struct {
	SecondFactor ByGroup[SecondFactor]  `json:"second_factor,omitzero"`
	CodeMethods  []string               `json:"code_methods,omitzero"` // ways of getting a code that are offered, such as totp and sms
	AppCode      bool                   `json:"app_code,omitzero"`     // a code is asked of clients and relatives at the mobile app too; the help pages say it is not
	Remember     ByGroup[Remember]      `json:"remember,omitzero"`
	Password     PasswordRule           `json:"password,omitzero"`
	LoginForm    bool                   `json:"login_form,omitzero"` // e-mail address and password; off only where an organisation's own login exists
	SelfSignUp   bool                   `json:"self_sign_up,omitzero"`
	AppPassword  bool                   `json:"app_password,omitzero"`  // people sign in to the mobile app by e-mail address and password
	AppQR        bool                   `json:"app_qr,omitzero"`        // the app signs in by a QR code
	AppDevices   int                    `json:"app_devices,omitzero"`   // devices that a person may have the app on; zero: DefaultAppDevices
	IdleAfter    time.Duration          `json:"idle_after,omitzero"`    // no activity for this long: a code or the password is asked again; zero: never
	SessionEnds  ByGroup[time.Duration] `json:"session_ends,omitzero"`  // a session ends this long after sign-in, used or not
	MinimumACR   string                 `json:"minimum_acr,omitzero"`   // weaker sign-ins get no token at all; empty: none
	ACRAliases   map[string]string      `json:"acr_aliases,omitzero"`   // other names of our values, such as https://refeds.org/profile/mfa
	SMSCountries []string               `json:"sms_countries,omitzero"` // ISO 3166-1 codes of countries that text messages go to
	SMSPerDay    int                    `json:"sms_per_day,omitzero"`   // text messages a platform may send in a day
	BreakGlass   []string               `json:"break_glass,omitzero"`   // keys of addresses of managers who sign in by password in an emergency, where LoginForm is off
	SMSBound     bool                   `json:"sms_bound,omitzero"`     // text messages name the login's host, so that phones fill the code in there only; off where the host tells the organisation
}

// Remember is how long a browser may go without a code, and who decides.
type Remember struct {
	Choices []time.Duration `json:"choices,omitzero"` // what the person may choose from; empty: remembering is not offered
	Fixed   time.Duration   `json:"fixed,omitzero"`   // set by the organisation instead; zero: the person chooses
	Decides bool            `json:"decides,omitzero"` // the organisation decides: Fixed counts, even when it is zero
}

// PasswordRule is what a password must have. The help page on choosing a password publishes the defaults.
type PasswordRule struct {
	MinLength int `json:"min_length,omitzero"` // code points after NFC
	MaxLength int `json:"max_length,omitzero"` // code points after NFC; bounds the work of hashing
	Special   int `json:"special,omitzero"`    // characters that are neither letter nor digit; a space counts
	MinScore  int `json:"min_score,omitzero"`  // zxcvbn, 0 to 4, with Dutch words and the names of person and platform
}

// RememberChoices are the durations that exist: 12 hours, 3 days, 1 week, as the help page on two-step authentication
// lists them.
var RememberChoices = []time.Duration{12 * time.Hour, 72 * time.Hour, 168 * time.Hour}

// DefaultAppDevices is how many devices a person may have the mobile app on, unless the organisation says otherwise.
const DefaultAppDevices = 5

// InEmergency reports whether somebody is named for an emergency, by the key of the address.
func (p Policy) InEmergency(key string) bool { return key != "" && slices.Contains(p.BreakGlass, key) }

// MaxAppDevices is what a person may have of them at most.
func (p Policy) MaxAppDevices() int { return cmp.Or(p.AppDevices, DefaultAppDevices) }

// DefaultPolicy is what a platform has that sets nothing, whatever ways of getting codes there are: what one of those
// adds is in its folder (login.Factor).
func DefaultPolicy() Policy {
	return Policy{
		SecondFactor: ByGroup[SecondFactor]{Client: SecondFactor{Demand: Off}, Staff: SecondFactor{Demand: Off}},
		Remember:     ByGroup[Remember]{Client: Remember{Choices: RememberChoices}, Staff: Remember{Choices: RememberChoices}},
		Password:     PasswordRule{MinLength: 12, MaxLength: 256, Special: 1, MinScore: 3},
		LoginForm:    true,
		AppPassword:  true,
		AppQR:        true,
		AppDevices:   DefaultAppDevices,
		IdleAfter:    time.Hour, // "after 1 hour of inactivity", as the help pages say
		SessionEnds:  ByGroup[time.Duration]{Client: 24 * time.Hour, Staff: 12 * time.Hour},
		ACRAliases:   map[string]string{"https://refeds.org/profile/mfa": "urn:minddistrict:acr:2fa"},
	}
}

// Validate returns the first setting that contradicts another or cannot be kept.
func (p Policy) Validate() error {
	for group, s := range map[string]SecondFactor{"client": p.SecondFactor.Client, "staff": p.SecondFactor.Staff} {
		if !slices.Contains([]Demand{Off, Optional, Required}, s.At(s.RequiredFrom)) {
			return fmt.Errorf("%w: policy.second_factor.%s %q: off, optional or required", fault.Invalid, group, s.Demand)
		}
		if s.Demand != Off && len(p.CodeMethods) == 0 {
			return fmt.Errorf("%w: policy.code_methods: at least one of totp and sms where a second factor is %s", fault.Invalid, s.Demand)
		}
	}
	r := p.Password
	switch {
	case r.MinLength < 8 || r.MinLength > 64:
		return fmt.Errorf("%w: policy.password.min_length %d: 8 to 64", fault.Invalid, r.MinLength)
	case r.MaxLength < 64 || r.MaxLength > 1024:
		return fmt.Errorf("%w: policy.password.max_length %d: 64 to 1024", fault.Invalid, r.MaxLength)
	case r.Special < 0 || r.Special > 4:
		return fmt.Errorf("%w: policy.password.special %d: 0 to 4", fault.Invalid, r.Special)
	case r.MinScore < 0 || r.MinScore > 4:
		return fmt.Errorf("%w: policy.password.min_score %d: 0 to 4", fault.Invalid, r.MinScore)
	case p.AppDevices < 0 || p.AppDevices > 20:
		return fmt.Errorf("%w: policy.app_devices %d: 1 to 20", fault.Invalid, p.AppDevices)
	case p.IdleAfter < 0 || p.IdleAfter > 24*time.Hour || p.IdleAfter > 0 && p.IdleAfter < 5*time.Minute:
		return fmt.Errorf("%w: policy.idle_after %s: 5m to 24h, or 0 for never", fault.Invalid, p.IdleAfter)
	}
	for group, d := range map[string]time.Duration{"client": p.SessionEnds.Client, "staff": p.SessionEnds.Staff} {
		if d < 15*time.Minute || d > 24*time.Hour {
			return fmt.Errorf("%w: policy.session_ends.%s %s: 15m to 24h", fault.Invalid, group, d)
		}
	}
	for group, r := range map[string]Remember{"client": p.Remember.Client, "staff": p.Remember.Staff} {
		for _, d := range append(slices.Clone(r.Choices), r.Fixed) {
			if d != 0 && !slices.Contains(RememberChoices, d) {
				return fmt.Errorf("%w: policy.remember.%s %s: 12h, 72h or 168h", fault.Invalid, group, d)
			}
		}
	}
	return nil
}
