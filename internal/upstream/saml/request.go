package saml

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
)

// SignInRedirect is where a browser is sent to sign in: an authentication request (saml-core-2.0-os section 3.4). back
// is our assertion consumer service. A Refusal: there is no usable metadata.
func (u *Upstream) SignInRedirect(ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string) (federation.Redirect, error) {
	e, err := u.entity(ctx, c)
	if err != nil {
		return federation.Redirect{}, err
	}
	x, err := u.exchange(ctx, c, back, e)
	if err != nil {
		return federation.Redirect{}, err
	}
	if !c.SAML.SignRequests && !e.wantsSigned {
		x.sp.SignatureMethod = ""
	}
	services := e.described.IDPSSODescriptors[0].SingleSignOnServices
	redirect, post := address(services, crewjam.HTTPRedirectBinding), address(services, crewjam.HTTPPostBinding)
	req := request(c, t, back)
	req.IssueInstant = u.o.Now()
	switch {
	case post != "" && (c.SAML.PostRequests || redirect == ""):
		return posted(x.sp, req, t, post)
	case redirect != "":
		req.Destination = redirect
		to, err := req.Redirect(t.State, x.sp)
		if err != nil {
			return federation.Redirect{}, fmt.Errorf("request of connection %s: %w", c.ID, err)
		}
		return federation.Redirect{URL: to.String()}, nil
	}
	return federation.Redirect{}, federation.Refuse(federation.Misconfigured, "metadata: no SingleSignOnService by HTTP-Redirect or HTTP-POST")
}

// request is what is asked. A NameIDPolicy has no Format unless one is set, because AD FS refuses formats that it does
// not issue; a context is requested only where one is set, or where two factors are wanted and a value of it would
// count.
func request(c *federation.Connection, t federation.UpstreamRequest, back string) *crewjam.AuthnRequest {
	create, binding := true, crewjam.HTTPPostBinding
	if c.SAML.Artifact {
		binding = crewjam.HTTPArtifactBinding
	}
	req := &crewjam.AuthnRequest{
		ID: t.ID, Version: "2.0", Issuer: &crewjam.Issuer{Value: entityID(back)},
		AssertionConsumerServiceURL: back, ProtocolBinding: binding, NameIDPolicy: &crewjam.NameIDPolicy{AllowCreate: &create},
	}
	if c.SAML.NameIDFormat != "" {
		req.NameIDPolicy.Format = &c.SAML.NameIDFormat
	}
	if t.Fresh {
		force := true
		req.ForceAuthn = &force
	}
	contexts := c.SAML.Decides
	if t.TwoFactors {
		if two := c.Contract.Asks().ACRValues; len(two) > 0 {
			contexts = two
		}
	}
	if len(contexts) > 0 {
		req.RequestedAuthnContext = &crewjam.RequestedAuthnContext{Comparison: "exact", AuthnContextClassRefs: contexts}
	}
	if len(c.SAML.Scoping) > 0 {
		list := &crewjam.IDPList{}
		for _, id := range c.SAML.Scoping {
			list.IDPEntries = append(list.IDPEntries, crewjam.IDPEntry{ProviderID: id})
		}
		req.Scoping = &crewjam.Scoping{IDPList: list}
	}
	return req
}

func posted(sp *crewjam.ServiceProvider, req *crewjam.AuthnRequest, t federation.UpstreamRequest, to string) (federation.Redirect, error) {
	req.Destination = to
	if sp.SignatureMethod != "" {
		if err := sp.SignAuthnRequest(req); err != nil {
			return federation.Redirect{}, fmt.Errorf("signing a request: %w", err)
		}
	}
	return form("SAMLRequest", req.Element(), t.State, to)
}

// form is a message by HTTP-POST (saml-bindings-2.0-os section 3.5).
func form(name string, message *etree.Element, state, to string) (federation.Redirect, error) {
	document := etree.NewDocument()
	document.SetRoot(message)
	body, err := document.WriteToBytes()
	if err != nil {
		return federation.Redirect{}, fmt.Errorf("writing a message: %w", err)
	}
	values := url.Values{name: {base64.StdEncoding.EncodeToString(body)}}
	if state != "" {
		values.Set("RelayState", state)
	}
	return federation.Redirect{URL: to, Form: values}, nil
}
