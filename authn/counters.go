package authn

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Namer names counters. The name is an HMAC: a stolen database does not tell which addresses somebody tried.
type Namer interface {
	MAC(purpose, data string) []byte
}

// PasswordOwner is whose wrong passwords start again when staff unblock an account (Change.Forgive). The address is its
// key.
func PasswordOwner(m Namer, p platform.ID, email string) string {
	return hex.EncodeToString(m.MAC("password owner", strings.Join([]string{string(p), email}, "\x00")))
}

// CodeOwner is whose wrong codes start again when staff reset or unblock an account (Change.Forgive).
func CodeOwner(m Namer, p platform.ID, id account.ID) string {
	return hex.EncodeToString(m.MAC("wrong codes", string(p)+"\x00owner\x00"+string(id)))
}

// How many wrong codes of an account are taken. App and text message share one budget, recovery codes have their own, so
// that they still work when the others are refused.
const (
	CodesPerDay       = 10
	RecoveriesPerHour = 5
	RecoveriesPerDay  = 10
)

// Of a kind of mail that anybody can have sent, an address gets MailsAtOnce, then one each MailEvery (13 in the first
// day, then 10), so that however many somebody asks for, the owner has one that works within MailEvery. The mail that
// lets somebody log in sooner is sent once in a wait, and its button works longer than a wait lasts.
const (
	MailsAtOnce  = 3
	MailEvery    = 144 * time.Minute
	UnblocksADay = 6

	aDay = 24 * time.Hour
)

// CodesOf bounds codes of apps and text messages of an account.
func CodesOf(m Namer, p platform.ID, id account.ID) Limit {
	return Limit{Key: codeKey(m, p, "codes", id), Max: CodesPerDay, Window: aDay, Owner: CodeOwner(m, p, id)}
}

// MailCodesOf bounds codes of mails for the key of an address, which may be nobody's.
func MailCodesOf(m Namer, p platform.ID, email string) Limit {
	key := hex.EncodeToString(m.MAC("wrong codes", string(p)+"\x00mail codes\x00"+email))
	return Limit{Key: key, Max: CodesPerDay, Window: aDay, Owner: PasswordOwner(m, p, email)}
}

// RecoveriesOf bounds recovery codes of an account.
func RecoveriesOf(m Namer, p platform.ID, id account.ID) []Limit {
	return []Limit{
		{Key: codeKey(m, p, "recovery hour", id), Max: RecoveriesPerHour, Window: time.Hour, Owner: CodeOwner(m, p, id)},
		{Key: codeKey(m, p, "recovery day", id), Max: RecoveriesPerDay, Window: aDay, Owner: CodeOwner(m, p, id)},
	}
}

func codeKey(m Namer, p platform.ID, what string, id account.ID) string {
	return hex.EncodeToString(m.MAC("wrong codes", string(p)+"\x00"+what+"\x00"+string(id)))
}

// MailsOf bounds mails of a kind that anybody can have sent, to the key of an address.
func MailsOf(m Namer, p platform.ID, kind outbox.Kind, email string) Limit {
	return Limit{Key: MailKey(m, p, string(kind), email), Max: MailsAtOnce, Every: MailEvery}
}

// UnblocksOf bounds mails that let somebody log in before a wait is over.
func UnblocksOf(m Namer, p platform.ID, email string) Limit {
	return Limit{Key: MailKey(m, p, "unblock", email), Max: UnblocksADay, Window: aDay}
}

// MailKey names a counter of mails that anybody can have sent.
func MailKey(m Namer, p platform.ID, what, of string) string {
	return hex.EncodeToString(m.MAC("mail wishes", string(p)+"\x00"+what+"\x00"+of))
}
