package phone

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// awayFor is how long the app may be in the background before the PIN is asked again.
const awayFor = 5 * time.Minute

// ErrForeignIssuer says that the app was not configured for an issuer.
var ErrForeignIssuer = errors.New("the app was not built for this issuer")

// Config is what is built into an app, and what it gets from the phone.
type Config struct {
	ClientID    string
	RedirectURI string   // where the browser comes back to the app
	Scope       string   // what the app needs, separated by spaces; has openid
	Issuers     []string // the only ones it speaks to, without a slash at the end
	DeviceName  string   // what its owner sees in the list of devices, at most 40 characters
	Store       Store
	HTTP        *http.Client     // redirects are never followed, whatever it says
	Now         func() time.Time // the clock of the phone, which may be wrong
	// Wait waits between two polls and may end early with the context.
	Wait func(context.Context, time.Duration) error
}

// App is an app that was started. Its devices may be used concurrently, each by itself.
type App struct {
	Config
	mu     sync.Mutex        // guards all below
	nonces map[string]string // the newest of each issuer, and of each API by its origin
	served map[string]served // what each issuer says of itself
}

// New starts an app. It fails where the configuration could not work.
func New(c Config) (*App, error) {
	if c.ClientID == "" || c.Store == nil || c.HTTP == nil || c.Now == nil || c.Wait == nil {
		return nil, errors.New("an app needs an identifier, a store, an HTTP client and a clock")
	}
	if len([]rune(c.DeviceName)) > 40 {
		return nil, errors.New("the name of a device has at most 40 characters")
	}
	client := *c.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.HTTP = &client
	return &App{Config: c, nonces: map[string]string{}, served: map[string]served{}}, nil
}

// Device is this installation at one issuer. It must not be used concurrently.
type Device struct {
	app    *App
	issuer string

	pinToken string  // good for SetPIN alone, minutes; in memory
	tokens   *Tokens // those of the newest PIN, in memory
	awayAt   time.Time
}

// Device opens what there is for an issuer: ErrForeignIssuer unless the app was configured for it.
func (a *App) Device(issuer string) (*Device, error) {
	if !slices.Contains(a.Issuers, issuer) {
		return nil, ErrForeignIssuer
	}
	return &Device{app: a, issuer: issuer}, nil
}

// HasPIN reports whether the app starts with the PIN screen. Otherwise it starts with SignIn or Scan, as it does after
// it came back from a backup, in which the key is not.
func (d *Device) HasPIN() bool {
	_, err := d.app.Store.Key(d.issuer)
	return err == nil && d.app.Store.HasSecret(d.issuer)
}

// key is the device key; there is one before anything else is sent.
func (d *Device) key() (crypto.Signer, error) {
	key, err := d.app.Store.Key(d.issuer)
	if errors.Is(err, ErrNothingStored) {
		return d.app.Store.MakeKey(d.issuer)
	}
	return key, err
}

// thumbprint is the jkt of the device key.
func (d *Device) thumbprint() (string, error) {
	key, err := d.key()
	if err != nil {
		return "", err
	}
	return Thumbprint(key)
}

// forget destroys the key, the secret and all tokens: the device is no more, and a new one begins with SignIn or Scan.
func (d *Device) forget() error {
	d.pinToken, d.tokens = "", nil
	if err := d.app.Store.Remove(d.issuer); err != nil {
		return fmt.Errorf("removing a device: %w", err)
	}
	return nil
}

// Leave says that the app went into the background.
func (d *Device) Leave() { d.awayAt = d.app.Now() }

// Return reports whether the app, which is in front again, goes on. After five minutes it does not: the tokens are gone
// and the PIN is asked. A clock that was turned back asks it as well.
func (d *Device) Return() bool {
	if away := d.app.Now().Sub(d.awayAt); away >= awayFor || away < 0 {
		d.tokens = nil
	}
	return d.tokens != nil
}

// under reports whether an address is below the issuer, where all of the provider's are.
func under(issuer, address string) bool {
	of, err := url.Parse(issuer)
	u, err2 := url.Parse(address)
	return err == nil && err2 == nil && u.Scheme == of.Scheme && u.Host == of.Host && u.User == nil
}
