package staff

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/federation"
)

// ConnectionRefusals is how many refusals of a connection staff see, the newest.
const ConnectionRefusals = 20

// ConnectionUse is how a connection does: what managers see of it in a list. It names nobody.
type ConnectionUse struct {
	ID        federation.ID
	Linked    int               // people
	UsedAt    time.Time         // when somebody last signed in by it; zero: nobody did, or it is not on record
	RefusedAt time.Time         // when somebody who came by it was last refused; zero: nobody was, or it is not on record
	Refused   federation.Reason // why
}

// CardLink is what the record knows of a link of a person.
type CardLink struct {
	Credential account.CredentialID
	MadeBy     string    // as the record names an actor; empty: it is not on record
	UsedAt     time.Time // when the person last signed in by its connection, since the link was made; zero: never, or it is not on record
}
