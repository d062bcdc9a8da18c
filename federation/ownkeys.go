package federation

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// maxOwnKeys is how many keys of ours a connection has at most: the one that signs, and the next or the one before.
const maxOwnKeys = 2

// Add puts another key beside the one that signs, so that the organisation takes it over before it is used. fault.Refused:
// there are two already.
func (k *OwnKeys) Add(next OwnKey) error {
	if len(k.Keys) >= maxOwnKeys {
		return fmt.Errorf("%w: there are two keys already: the newer one signs next (promote), or the one that does not sign goes (remove)", fault.Refused)
	}
	k.Keys = append(k.Keys, next)
	return nil
}

// Promote lets the key that does not sign do so; the other one still opens. fault.Refused: there is one key.
func (k *OwnKeys) Promote() error {
	if len(k.Keys) < maxOwnKeys {
		return fmt.Errorf("%w: there is no key beside the one that signs", fault.Refused)
	}
	k.Keys[0], k.Keys[1] = k.Keys[1], k.Keys[0]
	return nil
}

// Remove takes the key away that does not sign. fault.Refused: there is one key.
func (k *OwnKeys) Remove() error {
	if len(k.Keys) < maxOwnKeys {
		return fmt.Errorf("%w: there is no key beside the one that signs", fault.Refused)
	}
	k.Keys = k.Keys[:1]
	return nil
}

// Written is a key of a person as somebody wrote it down, in the form that Of returns. fault.Invalid: Of never returns it.
func (k KeyRule) Written(key string) (string, error) {
	key = strings.TrimSpace(key)
	switch {
	case key == "" || len(key) > longestKey || strings.ContainsRune(key, 0):
		return "", invalid("key: 1 to %d bytes", longestKey)
	case k.By == ByEntra:
		tenant, object, _ := strings.Cut(key, "/")
		if tenant == "" || object == "" || strings.Contains(object, "/") {
			return "", invalid("key: tenant and object identifier with / between")
		}
		return strings.ToLower(key), nil
	case k.By == ByNameID:
		qualifier, name, ok := strings.Cut(key, "!")
		if !ok || name == "" {
			return "", invalid("key: NameQualifier (which may be empty), ! and NameID")
		}
		if citizen.MatchString(name) {
			return "", invalid("key: a citizen service number (BSN)")
		}
		return qualifier + "!" + name, nil
	}
	return key, nil
}

// ProofName is where the proof of a domain is published in DNS.
func ProofName(domain string) string { return "_minddistrict-idp." + domain }

// ProofOf is what the proof of a domain is derived from (keys.Sealer): it is of this connection and this domain only.
func (c *Connection) ProofOf(domain string) string {
	return string(c.Platform) + "/" + string(c.ID) + "/" + domain
}

// ProofValue is what the TXT record says, derived from ProofOf.
func ProofValue(mac []byte) string { return "p=" + base64.RawURLEncoding.EncodeToString(mac[:16]) }
