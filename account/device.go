package account

import (
	"time"

	"github.com/minddistrict/idp/platform"
)

// Device is a browser that may go without a code for a while ("Onthoud mij"). It vouches for nothing else:
// it is no proof, and it is forgotten when the password or the second factor changes.
type Device struct {
	ID       string
	Platform platform.ID
	Account  ID
	Agent    string // browser, as it names itself
	AddedAt  time.Time
	SeenAt   time.Time
	EndsAt   time.Time // remembered until then; use does not extend it
}

// Presented is what the cookie of a remembered browser turned out to be.
type Presented string

const (
	DeviceUnknown Presented = ""
	DeviceCurrent Presented = "current"
	DeviceRecent  Presented = "recent" // replaced within DeviceGrace: requests that ran side by side
	DeviceOld     Presented = "old"    // replaced before: it was copied, by whoever presents it or by who replaced it
)

// DeviceGrace is how long the previous cookie of a remembered browser still counts.
const DeviceGrace = 10 * time.Second
