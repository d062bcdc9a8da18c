package op

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// nonceHeader carries the nonce for the next proofs of whoever reads it (RFC 9449 section 8.2).
const nonceHeader = "DPoP-Nonce"

// nonceLife is how long a nonce is taken.
const nonceLife = 5 * time.Minute

const nonceSum = 16 // bytes of a MAC

// nonce makes the nonce of a moment: the moment and a MAC of it, so that any node takes it and nobody keeps it.
func (s *Server) nonce(p platform.ID, now time.Time) string {
	at := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(at, s.nonceMAC(p, at)...))
}

func (s *Server) nonceMAC(p platform.ID, at []byte) []byte {
	return s.Secrets.Sealer.MAC("dpop nonce", string(p)+"\x00"+string(at))[:nonceSum]
}

// nonceAt is when a nonce was made; not ok: it is not one of this platform, or was made longer than nonceLife ago. One of a
// node whose clock is ahead is of now.
func (s *Server) nonceAt(p platform.ID, nonce string, now time.Time) (at time.Time, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != 8+nonceSum || strings.ContainsAny(nonce, "\r\n") {
		return time.Time{}, false
	}
	if subtle.ConstantTimeCompare(raw[8:], s.nonceMAC(p, raw[:8])) != 1 {
		return time.Time{}, false
	}
	at = time.UnixMilli(int64(binary.BigEndian.Uint64(raw))).UTC()
	if at.After(now) {
		at = now
	}
	return at, now.Sub(at) < nonceLife
}

// offerNonce says the nonce for the next proof to whoever has use for it: a mobile app, which must have one, and whoever
// showed one. Every answer of the endpoint does, whatever it answers.
func (s *Server) offerNonce(w http.ResponseWriter, r *http.Request, e Endpoint) {
	if !e.Proofs || !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodGet}, r.Method) || !s.wantsNonce(r, e) {
		return
	}
	w.Header().Set(nonceHeader, s.nonce(platform.FromContext(r.Context()).ID, s.Now()))
}

// needsNonce reports whether the proof of a call must have a nonce: each of a mobile app, but for those of pushed requests,
// which are made once before there is any.
func (s *Server) needsNonce(c *call, e Endpoint) bool {
	switch {
	case e.Path == pathPIN:
		return true
	case len(e.Auth) > 0:
		return c.party.MobileApp && e.Path != pathPush
	}
	h, err := s.openAccess(c.platform, c.token)
	if err != nil {
		return false // refused
	}
	party, known := s.enabled(c.platform.ID, h.Party)
	return known && party.MobileApp
}

func (s *Server) wantsNonce(r *http.Request, e Endpoint) bool {
	if len(e.Auth) == 0 {
		return r.Header.Get(proofHeader) != ""
	}
	_ = r.ParseForm() // what is wrong with it is said elsewhere
	party, known := s.Registry.Party(platform.FromContext(r.Context()).ID, grant.PartyID(r.PostForm.Get("client_id")))
	return known && party.MobileApp
}
