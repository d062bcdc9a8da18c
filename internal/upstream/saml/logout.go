package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
)

// maxEcho bounds the RelayState that is sent back, in bytes: the bindings allow 80, and products exceed that.
const maxEcho = 1024

// Ended is what a LogoutRequest says is over (saml-profiles-2.0-os section 4.4), and where the browser goes with our
// response; no URL: the upstream takes none. A Refusal: it is not signed by a key that is known, or not for us now. It
// is not consumed here: whoever ends the sessions consumes Ended.ID in the same transaction.
func (u *Upstream) Ended(
	ctx context.Context, c *federation.Connection, back string, r *http.Request,
) (federation.Logout, federation.Redirect, error) {
	if err := u.receivedLogout(r); err != nil {
		return federation.Logout{}, federation.Redirect{}, err
	}
	e, err := u.entity(ctx, c)
	if err != nil {
		return federation.Logout{}, federation.Redirect{}, err
	}
	x, req, err := u.takeLogout(ctx, c, back, e, r)
	if err != nil && x != nil && federation.ReasonOf(err) == federation.BadSignature {
		if newer := u.newer(ctx, c, e); newer != nil {
			e = newer
			x, req, err = u.takeLogout(ctx, c, back, e, r)
		}
	}
	if err != nil {
		return federation.Logout{}, federation.Redirect{}, err
	}
	if req.NameID == nil {
		return federation.Logout{}, federation.Redirect{}, federation.Refuse(federation.BadForm, "no NameID")
	}
	ended := federation.Logout{Subject: req.NameID.Value, ID: req.ID, Until: req.IssueInstant.Add(crewjam.MaxIssueDelay)}
	for _, s := range req.AllSessionIndexes() {
		ended.Sessions = append(ended.Sessions, s.Value)
	}
	reply, err := reply(x.sp, req.ID, r.Form.Get("RelayState"))
	return ended, reply, err
}

// receivedLogout looks at a request before the library does: of HTTP-Redirect what it inflates to.
func (u *Upstream) receivedLogout(r *http.Request) error {
	if len(r.URL.RawQuery) > maxQuery {
		return federation.Refuse(federation.BadForm, "a query of %d bytes", len(r.URL.RawQuery))
	}
	if r.PostForm == nil {
		if r.Body != nil {
			r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		}
		if err := r.ParseForm(); err != nil {
			return federation.Refuse(federation.BadForm, "%s", clean(err.Error()))
		}
	}
	values := r.PostForm
	if r.Method != http.MethodPost {
		values = r.URL.Query()
	} else if r.URL.RawQuery != "" {
		return federation.Refuse(federation.BadForm, "a POST with a query")
	}
	if len(values["SAMLRequest"]) != 1 || len(values["RelayState"]) > 1 || len(values.Get("RelayState")) > maxEcho {
		return federation.Refuse(federation.BadForm, "not one SAMLRequest with a RelayState of at most %d bytes", maxEcho)
	}
	if len(values.Get("SAMLRequest")) > maxForm {
		return federation.Refuse(federation.BadForm, "a request longer than %d bytes", maxForm)
	}
	document, err := base64.StdEncoding.DecodeString(values.Get("SAMLRequest"))
	if err != nil {
		return federation.Refuse(federation.BadForm, "SAMLRequest is not base64")
	}
	if r.Method != http.MethodPost {
		if document, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(document)), maxXML+1)); err != nil {
			return federation.Refuse(federation.BadForm, "SAMLRequest is not deflated")
		}
	}
	if u.off.shape {
		return nil
	}
	seen, err := look(document, maxXML)
	if err == nil && (seen.root.Local != "LogoutRequest" || seen.assertions > 0) {
		err = fmt.Errorf("%w: %s", errShape, seen.root.Local)
	}
	if err != nil {
		return federation.Refuse(federation.BadForm, "%s", clean(err.Error()))
	}
	return nil
}

func (u *Upstream) takeLogout(
	ctx context.Context, c *federation.Connection, back string, e *entity, r *http.Request,
) (*exchange, *crewjam.LogoutRequest, error) {
	x, err := u.exchange(ctx, c, back, e)
	if err != nil {
		return nil, nil, err
	}
	x.sp.ReplayCache = nil // see Ended
	var req *crewjam.LogoutRequest
	if r.Method == http.MethodPost {
		req, err = x.sp.ValidateLogoutRequestForm(r.PostForm.Get("SAMLRequest"))
	} else {
		req, err = x.sp.ValidateLogoutRequest(&http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: r.URL.RawQuery}})
	}
	if err != nil {
		return x, nil, e.explainedLogout(logoutRefusal(err, x.verifier), x.verifier, r)
	}
	now := u.o.Now()
	if early := req.IssueInstant.Sub(now); early > federation.MaxSkew {
		return x, nil, federation.Refuse(federation.BadTime, "IssueInstant is %s ahead", early.Round(time.Second))
	}
	if req.NotOnOrAfter != nil && !now.Before(req.NotOnOrAfter.Add(federation.MaxSkew)) {
		return x, nil, federation.Refuse(federation.BadTime, "NotOnOrAfter is %s", req.NotOnOrAfter.UTC().Format(time.RFC3339))
	}
	return x, req, nil
}

// logoutRefusal: the library does not classify why a signature in a query does not count.
func logoutRefusal(err error, v *verifier) error {
	var known *federation.Refusal
	if errors.As(refusal(err, outline{}, v), &known) {
		return known
	}
	return err
}

// explainedLogout is explained of a request to log out. A signature in a query (HTTP-Redirect) names no certificate.
func (e *entity) explainedLogout(err error, v *verifier, r *http.Request) error {
	signed := r.Method != http.MethodPost && r.URL.Query().Has("Signature")
	if federation.ReasonOf(err) == federation.BadSignature && !v.foreign && signed {
		return federation.Refuse(federation.BadSignature, "the signature in the query is by no certificate that is known; %s", e.knows())
	}
	return e.explained(err, v, false)
}

// reply is our LogoutResponse.
func reply(sp *crewjam.ServiceProvider, id, state string) (federation.Redirect, error) {
	services := sp.IDPMetadata.IDPSSODescriptors[0].SingleLogoutServices
	if address(services, crewjam.HTTPRedirectBinding) != "" {
		to, err := sp.MakeRedirectLogoutResponse(id, state)
		if err != nil {
			return federation.Redirect{}, fmt.Errorf("answering a logout: %w", err)
		}
		return federation.Redirect{URL: to.String()}, nil
	}
	to := address(services, crewjam.HTTPPostBinding)
	if to == "" {
		return federation.Redirect{}, nil
	}
	response, err := sp.MakeLogoutResponse(to, id)
	if err != nil {
		return federation.Redirect{}, fmt.Errorf("answering a logout: %w", err)
	}
	return form("SAMLResponse", response.Element(), state, to)
}
