package authn

import (
	"encoding/hex"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// macer names counters. The name is an HMAC: a stolen database does not tell which addresses somebody tried.
type macer interface {
	MAC(purpose, data string) []byte
}

// PasswordOwner is whose wrong passwords start again when staff unblock an account (Change.Forgive). The address is its
// key.
func PasswordOwner(m macer, p platform.ID, email string) string {
	return hex.EncodeToString(m.MAC("password owner", strings.Join([]string{string(p), email}, "\x00")))
}

// CodeOwner is whose wrong codes start again when staff reset or unblock an account (Change.Forgive).
func CodeOwner(m macer, p platform.ID, id account.ID) string {
	return hex.EncodeToString(m.MAC("wrong codes", string(p)+"\x00owner\x00"+string(id)))
}
