package phone

import (
	"net/http"
)

// Do sends a request to an API of the platform with the access token and a proof for it (RFC 9449 section 7), and once
// more if that server wants a nonce, which is one of its own. A body must be one that can be sent twice, as that of
// http.NewRequest is. The caller sees to it that the address is one of the platform's, and closes the answer.
func (d *Device) Do(req *http.Request) (*http.Response, error) {
	if d.tokens == nil {
		return nil, ErrNotSignedIn
	}
	server := req.URL.Scheme + "://" + req.URL.Host
	old := d.app.nonce(server)
	res, err := d.doOnce(req, server)
	if err != nil || res.StatusCode != http.StatusUnauthorized || d.app.nonce(server) == old {
		return res, err
	}
	if m := challenged.FindStringSubmatch(res.Header.Get("WWW-Authenticate")); m == nil || m[1] != useNonce {
		return res, nil
	}
	_ = res.Body.Close() // only its header mattered
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return d.doOnce(req, server)
}

func (d *Device) doOnce(req *http.Request, server string) (*http.Response, error) {
	key, err := d.key()
	if err != nil {
		return nil, err
	}
	address := *req.URL
	address.RawQuery, address.Fragment = "", ""
	proof, err := Proof{Method: req.Method, URL: address.String(), ID: random(), Nonce: d.app.nonce(server),
		Token: d.tokens.AccessToken, At: d.app.Now()}.Sign(key)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "DPoP "+d.tokens.AccessToken)
	req.Header.Set("DPoP", proof)
	res, err := d.app.HTTP.Do(req)
	if err != nil {
		return nil, &Error{Code: noConnection, Err: err}
	}
	d.app.learn(server, res)
	return res, nil
}

// learn remembers the newest nonce of a server (RFC 9449 section 8.2).
func (a *App) learn(server string, res *http.Response) {
	if nonce := res.Header.Get("DPoP-Nonce"); nonce != "" {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.nonces[server] = nonce
	}
}
