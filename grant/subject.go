package grant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"strings"

	"github.com/minddistrict/idp/account"
)

// Subject is the `sub` that a party sees: the account's identifier, or for a party that asked for it one that differs by
// sector, so that parties cannot tell that they know the same person (OpenID Connect Core 1.0 section 8.1). The salt is
// the platform's and never changes.
func (p *Party) Subject(id account.ID, salt []byte) string {
	if !p.Pairwise {
		return string(id)
	}
	return p.SectorOf(salt).Of(id).Subject
}

// Pairwise is a `sub` that only the parties of one sector see; the zero value is none, because the subject is public.
type Pairwise struct{ Sector, Subject string }

// Sector is what pairwise parties share a subject by, and the salt of their platform.
type Sector struct {
	Host string
	Salt []byte
}

// SectorOf is the sector of a party whose subjects are pairwise.
func (p *Party) SectorOf(salt []byte) Sector { return Sector{p.SectorHost(), salt} }

// Of is the subject of an account in the sector.
func (s Sector) Of(id account.ID) Pairwise {
	return Pairwise{s.Host, pseudonym(s.Salt, s.Host, string(id))}
}

// Session is the `sid` that a party sees: the session's identifier, or one that differs by sector for a party whose
// subjects do. The same `sid` in two sectors would tell what two subjects hide (OpenID Connect Core 1.0 section 17.3).
func (p *Party) Session(id string, salt []byte) string {
	if !p.Pairwise {
		return id
	}
	return pseudonym(salt, "sid", p.SectorHost(), id)
}

// pseudonym stands for an identifier, which nobody without the salt can compute or find from it.
func pseudonym(salt []byte, parts ...string) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:20]))
}

// SectorHost is what parties share a pairwise subject by: the sector they were given, or the host of their redirects.
func (p *Party) SectorHost() string {
	if p.Sector != "" || len(p.Redirects) == 0 {
		return p.Sector
	}
	u, err := url.Parse(p.Redirects[0])
	if err != nil {
		return ""
	}
	return u.Hostname()
}
