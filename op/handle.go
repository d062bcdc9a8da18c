package op

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Prefixes make an access token of ours recognisable to scanners that look for leaked secrets. One that is bound to a
// key has its own, so that a node that does not know of keys takes it for none.
const (
	handlePrefix = "idpat_"
	boundPrefix  = "idpdt_"
)

// isHandle reports whether an access token is an opaque one.
func isHandle(token string) bool {
	return strings.HasPrefix(token, handlePrefix) || strings.HasPrefix(token, boundPrefix)
}

// handle is what an opaque access token says: sealed, so nobody can read or make one, and checked against the row of
// its grant each time it is used.
type handle struct {
	Grant  grant.ID      // empty for client credentials: those write nothing
	Party  grant.PartyID // whom the token was given
	Ends   time.Time
	Scopes []string // at most those of the grant: a refresh may ask for fewer
	JKT    string   // of the key that it is bound to (RFC 9449 section 6.1); empty: none
}

// sealHandle seals a handle for one platform. XChaCha20-Poly1305 because its random nonce of 192 bits never repeats,
// however many tokens a key seals.
func sealHandle(key []byte, p platform.ID, h handle, nonce []byte) (string, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return "", fmt.Errorf("sealing access token: %w", err)
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(h.Ends.UnixMilli()))
	prefix, text := handlePrefix, string(h.Party)+" "+string(h.Grant)+" "+strings.Join(h.Scopes, " ")
	if h.JKT != "" {
		prefix, text = boundPrefix, h.JKT+" "+text
	}
	plain = append(plain, text...)
	return prefix + base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, sealedFor(p, prefix))), nil
}

// sealedFor is what a handle is sealed for: its platform, and its kind if it is not the first.
func sealedFor(p platform.ID, prefix string) []byte {
	if prefix == handlePrefix {
		return []byte(p)
	}
	return []byte(string(p) + " " + prefix)
}

// openHandle opens an access token of this platform. Everything that is not one, or is over, is fault.NotFound.
func openHandle(keys [][]byte, p platform.ID, token string, now time.Time) (handle, error) {
	no := func(why string) (handle, error) {
		return handle{}, fmt.Errorf("access token: %w: %s", fault.NotFound, why)
	}
	prefix := handlePrefix
	if strings.HasPrefix(token, boundPrefix) {
		prefix = boundPrefix
	}
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(text) > 2048 || strings.ContainsAny(text, "\r\n") { // the decoder skips line ends
		return no("not a handle")
	}
	// Strict: of the encodings that differ only in unused bits exactly one is the token.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) < chacha20poly1305.NonceSizeX+8 {
		return no("not base64url")
	}
	for _, key := range keys {
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return handle{}, fmt.Errorf("opening access token: %w", err)
		}
		plain, err := aead.Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], sealedFor(p, prefix))
		if err != nil || len(plain) < 8 {
			continue
		}
		text, jkt := string(plain[8:]), ""
		if prefix == boundPrefix {
			jkt, text, _ = strings.Cut(text, " ")
		}
		party, rest, _ := strings.Cut(text, " ")
		id, scopes, _ := strings.Cut(rest, " ")
		h := handle{
			Grant: grant.ID(id), Party: grant.PartyID(party), Ends: time.UnixMilli(int64(binary.BigEndian.Uint64(plain))).UTC(),
			Scopes: strings.Fields(scopes), JKT: jkt,
		}
		if !now.Before(h.Ends) {
			return no("expired")
		}
		return h, nil
	}
	return no("does not open")
}

// newNonce draws a nonce with room for the sealed text behind it.
func newNonce() []byte {
	return secret.Bytes(chacha20poly1305.NonceSizeX)
}
