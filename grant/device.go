package grant

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Grant types of a platform's own mobile app (docs/app.md). Having mobile_app is having them.
const (
	PINGrant     = "urn:minddistrict:params:oauth:grant-type:pin"
	HandoffGrant = "urn:minddistrict:params:oauth:grant-type:handoff"
)

// AppPIN is the scope of the token that a sign-in at the mobile app is answered with. It is good for choosing a PIN,
// and for nothing else.
const AppPIN = "app-pin"

const (
	SetupLife = 5 * time.Minute // of a token with the scope AppPIN

	MaxTries      = 5                   // wrong PINs in a row: the last one removes the device
	MaxWrong      = 20                  // wrong PINs within WrongWithin: the last one removes the device
	WrongWithin   = 30 * 24 * time.Hour // how long a wrong PIN counts, whatever came after it
	ComparingLife = 10 * time.Second    // a try that was counted is compared within it, or was lost with its node

	DeviceUnused = 90 * 24 * time.Hour // a device that is not used as long is removed
	PINKeySize   = 32                  // bytes, HMAC-SHA-256
)

// maxDeviceName is in characters.
const maxDeviceName = 40

// DeviceID identifies a device. It is public: people see it in addresses.
type DeviceID string

// Way is how an account came onto a device: by the first factor that was shown in the browser of the phone, whose name
// it has, or ByQR.
type Way string

// ByQR is a code that was scanned from the settings of somebody who is signed in.
const ByQR Way = "qr"

// Entry is how an account came onto a device.
type Entry struct {
	Way    Way
	Level  authn.ACR     // of the proofs that were shown; its PIN says no more
	Proofs []authn.Proof // of the session that let it in by a QR code, with their Source; none: it came another way

	// SetupHash is of the random part of the token that it gave, with which the PIN is chosen. The next entry has another.
	SetupHash []byte
}

// Reason is what the event says of it: the way, then the methods of the session that let it in.
func (e *Entry) Reason() string {
	words := []string{string(e.Way)}
	for _, p := range e.Proofs {
		words = append(words, p.Method)
	}
	return strings.Join(words, " ")
}

// Device is one installation of a platform's mobile app, of one account. Its key never leaves the phone and signs the
// DPoP proof of each of its requests; its PIN is checked here and cannot be read here (docs/app.md).
type Device struct {
	ID       DeviceID
	Platform platform.ID
	Account  account.ID
	Party    PartyID
	JKT      string // thumbprint of its key (RFC 7638); one live device of a party has it
	Name     string // as it calls itself; see DeviceName
	Network  string // in which it was entered; see authn.Session
	Entry
	Scopes   []string  // that its tokens may have, never offline_access
	Claims   Requested // asked by name, for its tokens
	Session  string    // of its newest PIN; empty: none yet
	PINSetAt time.Time // zero: none was chosen
	AddedAt  time.Time
	SeenAt   time.Time // of the newest PIN or set-up
}

// PINBinding ties the sealed key of a PIN to its device.
func (d *Device) PINBinding() string { return "device/" + string(d.Account) + "/" + string(d.ID) }

// Proof is what a right PIN proves: who holds the phone knows it. On a device that was entered with two kinds of
// factors the key in the phone counts as one of them. The key is not attested, so it is `swk` (RFC 8176 section 2).
func (d *Device) Proof(now time.Time) authn.Proof {
	kinds := authn.Knows
	if d.Level == authn.TwoFactor {
		kinds |= authn.Has
	}
	return authn.Proof{
		Method: authn.PIN, Use: account.Primary, Kinds: kinds, AMR: []string{"pin", "swk"}, At: now,
		Device: &authn.OnDevice{ID: string(d.ID), Way: string(d.Way), Level: d.Level, Proofs: d.Proofs},
	}
}

// DeviceName is what a device calls itself, made fit to be shown to its owner: one line of at most 40 characters
// without control characters and marks of writing direction. Empty: it says nothing.
func DeviceName(said string) string {
	said = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, said)
	name := []rune(strings.Join(strings.Fields(said), " "))
	if len(name) > maxDeviceName {
		name = name[:maxDeviceName]
	}
	return strings.TrimSpace(string(name))
}

// DeviceScopes are those of the scopes that tokens of a device have.
func DeviceScopes(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "offline_access" })
}

// PINProof is what a device sends of its PIN: HMAC-SHA-256 with the key of the PIN over the identifier of the DPoP
// proof beside it and the nonce in that, so that it is good for that request only.
func PINProof(pinKey []byte, jti, nonce string) []byte {
	mac := hmac.New(sha256.New, pinKey)
	mac.Write([]byte(jti + "\x00" + nonce)) // never fails
	return mac.Sum(nil)
}

// Admission is what makes or renews a device.
type Admission struct {
	Device
	Most      int       // devices that the account may have
	Displaces DeviceID  // the one that its owner chose to be removed, if one more would be too many; empty: none
	Ends      string    // identifier of the session in which it was proven, if that ends with it; empty: none does
	SetupEnds time.Time // until when a PIN is chosen with the token of the entry
	Follows   authn.Queued
}

// PINChange is what choosing a PIN demands.
type PINChange struct {
	Platform  platform.ID
	Device    DeviceID // that the token names
	JKT       string
	Allowed   func(PartyID) bool      // whether its party is a mobile app now
	SetupHash []byte                  // of the random part of the token
	Seal      func(account.ID) []byte // the key of the PIN, for the device of this account
	Event     audit.Event             // its account is filled in
	Now       time.Time
}

// PINSignIn is what a right PIN gives.
type PINSignIn struct {
	Start       authn.SessionStart
	Grant       Grant
	RefreshHash []byte // nil: no refresh token
	RefreshEnds time.Time
	Events      []audit.Event
	Now         time.Time
}

// SetupToken is the token with which the PIN of a device is chosen: it names the device, and has 256 random bits. Those
// are drawn, and kept as a hash, before it is known whether the device is new or is one that is renewed.
func SetupToken(d DeviceID, random string) string { return setupPrefix + string(d) + "." + random }

// SetupDevice is the device that such a token names, and its random part; not ok: it is none.
func SetupDevice(token string) (d DeviceID, random string, ok bool) {
	rest, ours := strings.CutPrefix(token, setupPrefix)
	id, ok := IDOf(rest)
	_, random, _ = strings.Cut(rest, ".")
	return DeviceID(id), random, ours && ok
}

// setupPrefix makes the token recognisable to scanners that look for leaked secrets.
const setupPrefix = "idpst_"

// Try is one PIN that was counted and is to be compared.
type Try struct {
	Device Device
	Token  string      // of this try alone: whoever settles it shows it
	Sealed []byte      // the key of the PIN
	Before int         // tries in a row before this one, each wrong or lost
	Wrong  []time.Time // of tries within WrongWithin, this one last
}

// Left are the wrong PINs that the device would still stand after this one.
func (t *Try) Left() int { return max(0, min(MaxTries-1-t.Before, MaxWrong-len(t.Wrong))) }

// Comparable reports whether the try may be compared at all.
func (t *Try) Comparable() bool { return len(t.Wrong) <= MaxWrong }

// NewTry names a try.
func NewTry() string { return secret.ID() }
