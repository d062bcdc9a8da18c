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

// handlePrefix makes an access token of ours recognisable to scanners that look for leaked secrets.
const handlePrefix = "idpat_"

// handle is what an opaque access token says: sealed, so nobody can read or make one, and checked against the row of
// its grant each time it is used.
type handle struct {
	Grant  grant.ID      // empty for client credentials: those write nothing
	Party  grant.PartyID // whom the token was given
	Ends   time.Time
	Scopes []string // at most those of the grant: a refresh may ask for fewer
}

// sealHandle seals a handle for one platform. XChaCha20-Poly1305 because its random nonce of 192 bits never repeats,
// however many tokens a key seals.
func sealHandle(key []byte, p platform.ID, h handle, nonce []byte) (string, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return "", fmt.Errorf("sealing access token: %w", err)
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(h.Ends.UnixMilli()))
	plain = append(plain, string(h.Party)+" "+string(h.Grant)+" "+strings.Join(h.Scopes, " ")...)
	return handlePrefix + base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(p))), nil
}

// openHandle opens an access token of this platform. Everything that is not one, or is over, is fault.NotFound.
func openHandle(keys [][]byte, p platform.ID, token string, now time.Time) (handle, error) {
	no := func(why string) (handle, error) {
		return handle{}, fmt.Errorf("access token: %w: %s", fault.NotFound, why)
	}
	text, ok := strings.CutPrefix(token, handlePrefix)
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
		plain, err := aead.Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], []byte(p))
		if err != nil || len(plain) < 8 {
			continue
		}
		party, rest, _ := strings.Cut(string(plain[8:]), " ")
		id, scopes, _ := strings.Cut(rest, " ")
		h := handle{Grant: grant.ID(id), Party: grant.PartyID(party), Ends: time.UnixMilli(int64(binary.BigEndian.Uint64(plain))).UTC(), Scopes: strings.Fields(scopes)}
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
