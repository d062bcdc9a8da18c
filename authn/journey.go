package authn

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// JourneyLife is how long someone may take for the pages between a request and its answer.
const JourneyLife = 60 * time.Minute

// Journey is where someone is between a request and its answer. It collects proofs; the page that comes next is
// never stored, because Missing says it anew each time. It is saved only if Version is unchanged, so that of two
// tabs or a double click exactly one submit counts.
type Journey struct {
	ID        string
	Platform  platform.ID
	Browser   []byte // hash of the cookie that binds it to one browser
	Ask       Ask
	Account   account.ID // empty until known
	CutAt     time.Time  // of Account, as it was when the journey came to know it
	Unlinked  bool       // a node of the release before saved Account, without CutAt
	Proofs    []Proof
	Done      []Need // what was done here and is not asked again, such as a new password
	Failures  int    // wrong answers so far: after 3 the login page names platform and host
	Switch    bool   // the person chose to replace the session of another account
	Denied    bool   // the person stopped
	Anew      bool   // the person says who it is; whoever is signed in here is not assumed
	Party     string // client_id of who asked; empty for our own pages
	Request   string // identifier of the authorization request that is answered at the end; empty for our own pages
	ReturnTo  string // path on our own origin that is opened at the end, when there is no Request
	Hint      string // e-mail address to prefill
	Locale    string // language asked for by the party or chosen on the page; empty: account, then browser
	Scratch   map[string][]byte
	Version   int64
	StartedAt time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // finished, cancelled or overtaken
}

// Open tells whether the journey can still be continued.
func (j *Journey) Open(now time.Time) bool { return j.EndedAt.IsZero() && now.Before(j.ExpiresAt) }
