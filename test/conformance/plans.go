package conformance

// Plan is a certification profile: modules, and how its answers travel.
type Plan struct {
	Name     string // as the official suite has it
	Title    string
	FormPost bool
	Signed   bool // requests and responses of FAPI 2.0 are signed
	Modules  []Module
}

// Module is one test of a plan, under its official name.
type Module struct {
	Name string
	Asks string
	run  func(*run) error
}

// Plans are those that are run, with parties that were registered beforehand.
var Plans = []Plan{
	{Name: "oidcc-config-certification-test-plan", Title: "Config", Modules: []Module{
		{"oidcc-discovery-endpoint-verification", "discovery document and keys: complete, well-formed, https, nothing unknown", verifyDiscovery},
	}},
	{Name: "oidcc-basic-certification-test-plan", Title: "Basic", Modules: basic},
	{Name: "oidcc-formpost-basic-certification-test-plan", Title: "Form Post", FormPost: true, Modules: basic},
	{Name: "oidcc-rp-initiated-logout-certification-test-plan", Title: "Logout", Modules: logout},
	{Name: "oidcc-backchannel-rp-initiated-logout-certification-test-plan", Title: "Back-Channel", Modules: []Module{
		{"oidcc-backchannel-logout-discovery-endpoint-verification", "back-channel logout, with a session, and end_session_endpoint", verifyBackchannelDiscovery},
		{"oidcc-backchannel-rp-initiated-logout", "signed out: a logout token for that person and session, and nothing beside it", toldOfLogout},
	}},
	Security,
	Messages,
}

// basic are the modules of the Basic profile. The three that only exist for parties that register themselves
// (oidcc-idtoken-signature, oidcc-idtoken-unsigned, oidcc-request-uri-unsigned-…) are not among them.
var basic = []Module{
	{"oidcc-server", "a complete sign-in; nothing in the ID token that was not asked for", happy},
	{"oidcc-response-type-missing", "no response_type: an error back to the party, or an error page", responseTypeMissing},
	{"oidcc-userinfo-get", "userinfo by GET", userinfoGet},
	{"oidcc-userinfo-post-header", "userinfo by POST, token in the header", userinfoPostHeader},
	{"oidcc-userinfo-post-body", "userinfo by POST, token in the body", userinfoPostBody},
	{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", "nonce may be left out", withoutNonce},
	{"oidcc-scope-profile", "every claim of profile in userinfo, none in the ID token", scopes("profile")},
	{"oidcc-scope-email", "every claim of email in userinfo, none in the ID token", scopes("email")},
	{"oidcc-scope-address", "the claim of address in userinfo, not in the ID token", scopes("address")},
	{"oidcc-scope-phone", "every claim of phone in userinfo, none in the ID token", scopes("phone")},
	{"oidcc-scope-all", "every claim of all four scopes in userinfo, none in the ID token", scopes("profile", "email", "address", "phone")},
	{"oidcc-alternate-happy-flow", "scopes and parameters in another order", otherOrder},
	{"oidcc-display-page", "display=page does no harm", accepted("display", "page")},
	{"oidcc-display-popup", "display=popup does no harm", accepted("display", "popup")},
	{"oidcc-prompt-login", "prompt=login: asked again, later auth_time", promptLogin},
	{"oidcc-prompt-none-not-logged-in", "prompt=none: an error back to the party, state of 128 characters intact", promptNoneNobody},
	{"oidcc-prompt-none-logged-in", "prompt=none after a sign-in: no page, same person, same auth_time", promptNone},
	{"oidcc-max-age-1", "max_age=1 two seconds later: asked again, later auth_time", maxAge1},
	{"oidcc-max-age-10000", "max_age=10000: not asked again, same auth_time", maxAge10000},
	{"oidcc-ensure-request-with-unknown-parameter-succeeds", "an unknown parameter is ignored", accepted("extra", "foobar")},
	{"oidcc-id-token-hint", "prompt=none with id_token_hint: no page, same person", idTokenHint},
	{"oidcc-login-hint", "login_hint does no harm", loginHint},
	{"oidcc-ui-locales", "ui_locales does no harm", accepted("ui_locales", "se")},
	{"oidcc-claims-locales", "claims_locales does no harm", accepted("claims_locales", "se")},
	{"oidcc-ensure-request-with-acr-values-succeeds", "acr_values as advertised: one of them is answered", acrValues},
	{"oidcc-codereuse", "a code used again: 400 invalid_grant", codeReuse(0)},
	{"oidcc-codereuse-30seconds", "the same 30 seconds later: and the access token is dead", codeReuse(30)},
	{"oidcc-ensure-registered-redirect-uri", "a redirect_uri nobody registered: an error page, never a redirect", unregisteredRedirect},
	{"oidcc-ensure-post-request-succeeds", "the authorization request as a form", posted},
	{"oidcc-server-client-secret-post", "a complete sign-in; the party proves itself in the body", secretPost},
	{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", "a request object works, or is refused as not supported", requestObject},
	{"oidcc-claims-essential", "claims asks for name: in userinfo, not in the ID token", claimsEssential},
	{"oidcc-ensure-request-object-with-redirect-uri", "redirect_uri of a request object counts, or an error page", requestObjectRedirect},
	{"oidcc-refresh-token", "refreshing: fresh tokens, same person; a token is bound to its party", refreshToken},
	{"oidcc-ensure-request-with-valid-pkce-succeeds", "PKCE with S256", pkce},
}

// logout are the modules of the RP-initiated logout profile.
var logout = []Module{
	{"oidcc-rp-initiated-logout-discovery-endpoint-verification", "end_session_endpoint, https", verifyLogoutDiscovery},
	{"oidcc-rp-initiated-logout", "signed out and back, state of 128 characters intact; then prompt=none is refused", logoutAndBack},
	{"oidcc-rp-initiated-logout-no-state", "the same without state: none comes back", logoutWithoutState},
	{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", "an address nobody registered: a page, never a redirect", logoutElsewhere},
	{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", "a query added to the address: a page, never a redirect", logoutQueryAdded},
	{"oidcc-rp-initiated-logout-modified-id-token-hint", "a hint with alg none: a page, never a redirect", logoutUnsignedHint},
	{"oidcc-rp-initiated-logout-bad-id-token-hint", "a hint of another signer: a page, never a redirect", logoutForeignHint},
	{"oidcc-rp-initiated-logout-no-id-token-hint", "no hint: a page, never a redirect", logoutWithoutHint},
	{"oidcc-rp-initiated-logout-no-params", "no parameters: signed out, a page says so", logoutBare},
	{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", "no address: signed out, a page says so", logoutNowhere},
	{"oidcc-rp-initiated-logout-only-state", "only state: signed out, a page says so", logoutOnlyState},
}
