package saml

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

// How often metadata is read by URL.
const (
	readDaily   = 24 * time.Hour   // anyhow
	readAgain   = time.Hour        // after it could not be read, while an older copy counts
	readUnknown = 10 * time.Minute // at most, when an answer is signed by a key that is not known
	readFirst   = 30 * time.Second // at most, while there is no copy
)

// Refresh reads metadata by URL where that is due, and tells what became known: it may be called at any pace. An error
// is that it was due and did not succeed; the last good copy counts all the same.
func (u *Upstream) Refresh(ctx context.Context, c *federation.Connection) error {
	if c.SAML.MetadataURL == "" {
		e, err := readMetadata(c.SAML, []byte(c.SAML.Metadata), u.o.Now())
		if err == nil {
			u.recordNewKeys(ctx, c, nil, e)
		}
		return err
	}
	d, err := u.storedDocument(ctx, c)
	if err != nil {
		return err
	}
	now := u.o.Now()
	due := d.LastError == "" && now.Sub(d.ReadAt) >= readDaily || d.LastError != "" && now.Sub(d.TriedAt) >= readAgain
	if due {
		if _, err = u.read(ctx, c, d); err == nil {
			return nil
		}
	}
	if e := counting(c.SAML, d, now); e != nil { // the copy that counts ends, whether there is a newer one or not
		u.recordNewKeys(ctx, c, nil, e)
	}
	return err
}

// Known is what is known of an upstream, for who looks after the connection.
type Known struct {
	Certificates []Certificate // that it signs with; nil: nothing that counts was read
	ReadAt       time.Time     // when that was read; zero: not yet, or it was uploaded
	LastError    string        // of the last try to read it; empty: it went well
}

// Certificate is one as a product shows it.
type Certificate struct {
	Fingerprint string    `json:"sha256"` // upper-case hex, with colons
	Subject     string    `json:"subject"`
	Ends        time.Time `json:"ends_at"`
}

// Ends is when the last certificate ends; zero: none is known.
func (k Known) Ends() (last time.Time) {
	for _, c := range k.Certificates {
		if c.Ends.After(last) {
			last = c.Ends
		}
	}
	return last
}

// Knows is what is known of the upstream of a connection. Without certificates it is no error: its metadata was not
// read yet, or what was read or uploaded does not count, which LastError says.
func Knows(ctx context.Context, store Store, c *federation.Connection, now time.Time) (Known, error) {
	body, k := []byte(c.SAML.Metadata), Known{}
	if c.SAML.MetadataURL != "" {
		d, err := store.Document(ctx, c.Platform, c.ID)
		if errors.Is(err, fault.NotFound) {
			return k, nil
		}
		if err != nil {
			return k, fmt.Errorf("metadata of connection %s: %w", c.ID, err)
		}
		body, k.ReadAt, k.LastError = d.Body, d.ReadAt, d.LastError
		if d.ReadAt.IsZero() {
			return k, nil
		}
	}
	if body == nil {
		return k, nil
	}
	e, err := readMetadata(c.SAML, body, now)
	if err != nil {
		k.LastError = cmp.Or(k.LastError, clean(err.Error()))
		return k, nil
	}
	for _, one := range e.certificates {
		k.Certificates = append(k.Certificates, Certificate{fingerprint(one), clean(one.Subject.String()), one.NotAfter})
	}
	return k, nil
}

// CertificateEnds is when the last certificate ends that an upstream signs with. fault.NotFound: none is known.
func CertificateEnds(ctx context.Context, store Store, c *federation.Connection, now time.Time) (time.Time, error) {
	k, err := Knows(ctx, store, c, now)
	if err == nil && k.Certificates == nil {
		err = fmt.Errorf("certificates of connection %s: %w", c.ID, fault.NotFound)
	}
	return k.Ends(), err
}

// entity is an upstream as its metadata describes it. A Refusal: nothing usable is there.
func (u *Upstream) entity(ctx context.Context, c *federation.Connection) (*entity, error) {
	if c.SAML.MetadataURL == "" {
		e, err := readMetadata(c.SAML, []byte(c.SAML.Metadata), u.o.Now())
		if err != nil {
			return nil, federation.Refuse(federation.Misconfigured, "%v", err)
		}
		return e, nil
	}
	d, err := u.storedDocument(ctx, c)
	if err != nil {
		return nil, err
	}
	if e := counting(c.SAML, d, u.o.Now()); e != nil {
		return e, nil
	}
	if before := refusedBefore(c.SAML, d); before != nil && u.o.Now().Sub(d.TriedAt) < readFirst {
		return nil, before
	}
	return u.read(ctx, c, d)
}

// counting is what the last good copy says; nil: there is none, it was read at another address, does not fit the
// settings any more, or is too old to be trusted.
func counting(s federation.SAMLSettings, d federation.Document, now time.Time) *entity {
	if d.ReadAt.IsZero() {
		return nil
	}
	e, err := readMetadata(s, d.Body, now)
	if err != nil {
		return nil
	}
	e.readAt = d.ReadAt
	return e
}

// wanted is which metadata is read where: what is said of it is not said of another address or entity.
func wanted(s federation.SAMLSettings) string {
	return "metadata of " + clean(s.EntityID) + " at " + clean(s.MetadataURL)
}

// refusedBefore is the refusal of the last try, which Document.LastError keeps as text; nil: it was of other settings,
// so that whoever mends them need not wait.
func refusedBefore(s federation.SAMLSettings, d federation.Document) error {
	for _, why := range []federation.Reason{federation.Misconfigured, federation.Unreachable} {
		if r := federation.Refuse(why, "%s", strings.TrimPrefix(d.LastError, string(why)+": ")); r.Error() == d.LastError &&
			strings.HasPrefix(r.Detail, wanted(s)+": ") {
			return r
		}
	}
	return nil
}

// newer reads metadata because an answer is signed by a key that is not in it; nil: there is nothing else than before,
// and before is known as of now.
func (u *Upstream) newer(ctx context.Context, c *federation.Connection, before *entity) *entity {
	if c.SAML.MetadataURL == "" {
		return nil
	}
	d, err := u.storedDocument(ctx, c)
	if err != nil || u.o.Now().Sub(d.TriedAt) < readUnknown {
		return nil
	}
	e, err := u.read(ctx, c, d)
	if err == nil {
		before.readAt = e.readAt
	}
	if err != nil || len(added(before, e)) == 0 {
		return nil
	}
	return e
}

func (u *Upstream) storedDocument(ctx context.Context, c *federation.Connection) (federation.Document, error) {
	d, err := u.o.Store.Document(ctx, c.Platform, c.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return federation.Document{}, fmt.Errorf("metadata of connection %s: %w", c.ID, err)
	}
	return d, nil
}

// read reads metadata, keeps it if it is good, and keeps why if it is not: that is a Refusal.
func (u *Upstream) read(ctx context.Context, c *federation.Connection, before federation.Document) (*entity, error) {
	e, body, err := u.fetched(ctx, c.SAML)
	d := before
	d.Address, d.TriedAt, d.LastError = c.SAML.MetadataURL, u.o.Now(), ""
	if err != nil {
		d.LastError = err.Error()
		u.o.Log.WarnContext(ctx, "reading an upstream's metadata", slog.String("platform", string(c.Platform)),
			slog.String("connection", string(c.ID)), slog.Any("error", err))
	} else {
		d.Body, d.ReadAt = body, d.TriedAt
	}
	if kept := u.o.Store.KeepDocument(ctx, c.Platform, c.ID, d); kept != nil {
		return nil, fmt.Errorf("metadata of connection %s: %w", c.ID, kept)
	}
	if err != nil {
		return nil, err
	}
	e.readAt = d.ReadAt
	var old *entity
	if before.Body != nil {
		old, _ = readMetadata(c.SAML, before.Body, u.o.Now()) // of other settings: all keys are new
	}
	u.recordNewKeys(ctx, c, old, e)
	return e, nil
}

// recordNewKeys tells what is new. The first copy has no key that is.
func (u *Upstream) recordNewKeys(ctx context.Context, c *federation.Connection, before, now *entity) {
	var n News
	if before != nil {
		n.Keys = added(before, now)
	}
	if last := now.expires(); last.Sub(u.o.Now()) < Warning {
		n.Expires = last
	}
	if u.o.Tell != nil && (len(n.Keys) > 0 || !n.Expires.IsZero()) {
		u.o.Tell(ctx, c, n)
	}
}

// added are the certificates that were not there before.
func added(before, now *entity) (all []string) {
	for _, c := range now.certificates {
		if !slices.ContainsFunc(before.certificates, c.Equal) {
			all = append(all, fingerprint(c))
		}
	}
	return all
}

// fetched is what an address answers. A Refusal names the address: no answer is one that comes later (Unreachable); an
// answer that is no metadata of the entity is a mistake in what is set, here or there (Misset).
func (u *Upstream) fetched(ctx context.Context, s federation.SAMLSettings) (*entity, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.MetadataURL, nil)
	if err != nil {
		return nil, nil, federation.Refuse(federation.Misconfigured, "%s: %s", wanted(s), clean(err.Error()))
	}
	req.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	res, err := u.o.Client.Do(req)
	if err != nil {
		return nil, nil, federation.Refuse(federation.Unreachable, "%s: %s", wanted(s), clean(err.Error()))
	}
	defer func() { _ = res.Body.Close() }() // what was read counts
	if res.StatusCode != http.StatusOK {
		return nil, nil, federation.Refuse(reasonOf(res.StatusCode), "%s: %s came, wanted is 200", wanted(s), came(res))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, federation.MaxMetadata+1))
	if err != nil {
		return nil, nil, federation.Refuse(federation.Unreachable, "%s: %s", wanted(s), clean(err.Error()))
	}
	e, err := readMetadata(s, body, u.o.Now())
	if err != nil {
		why := strings.TrimPrefix(err.Error(), fault.Invalid.Error()+": metadata: ")
		return nil, nil, federation.Refuse(federation.Misconfigured, "%s: %s came: %s", wanted(s), came(res), clean(why))
	}
	return e, body, nil
}

// reasonOf is what a status other than 200 says: that it is to be asked later, or that nothing is there.
func reasonOf(status int) federation.Reason {
	later := []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}
	if status >= http.StatusInternalServerError || slices.Contains(later, status) {
		return federation.Unreachable
	}
	return federation.Misconfigured
}

// came is what an address answered: the status, the type of what came, and where it leads.
func came(res *http.Response) string {
	said := fmt.Sprintf("status %d", res.StatusCode)
	if kind := res.Header.Get("Content-Type"); kind != "" {
		said += " with " + clean(kind)
	}
	if to := res.Header.Get("Location"); to != "" {
		said += ", which leads to " + clean(to)
	}
	return said
}

// clean makes a line of what others wrote: 300 bytes at most, and nothing that a terminal acts on.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffd {
			return ' '
		}
		return r
	}, s)
	const most = 300
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
