package conformance

import (
	"time"
)

// objects is a change of the request object.
func objects(change func(*flow, *jwt)) func(*flow) {
	return func(f *flow) { f.object = func(j *jwt) { change(f, j) } }
}

// Changes of request objects that make them wrong (FAPI 2.0 Message Signing section 5.3.1, RFC 9101 sections 4 and 6).
var (
	// fapi2-security-profile-final-ensure-request-object-without-exp-fails
	objectWithoutExp = objects(func(_ *flow, j *jwt) { j.set("exp", nil) })
	// …-without-nbf-fails
	objectWithoutNbf = objects(func(_ *flow, j *jwt) { j.set("nbf", nil) })
	// fapi2-security-profile-final-ensure-expired-request-object-fails
	objectExpired = objects(func(f *flow, j *jwt) { j.claims["exp"] = f.Now().Add(-5 * time.Minute).Unix() })
	// fapi2-security-profile-final-ensure-request-object-with-bad-aud-fails
	objectForAnother = objects(func(_ *flow, j *jwt) { j.claims["aud"] = "https://www.other1.example.com/" })
	// …-with-exp-over-60-fails
	objectTooLong = objects(func(f *flow, j *jwt) { j.claims["exp"] = f.Now().Add(70 * time.Minute).Unix() })
	// …-with-nbf-over-60-fails
	objectTooOld = objects(func(f *flow, j *jwt) { j.claims["nbf"] = f.Now().Add(-70 * time.Minute).Unix() })
	// fapi2-security-profile-final-ensure-request-object-signature-algorithm-is-not-none
	objectUnsigned = objects(func(_ *flow, j *jwt) { j.alg, j.header = "none", map[string]any{} })
	// …-with-invalid-signature-fails
	objectBroken = objects(func(_ *flow, j *jwt) { j.spoil = brokenSignature })
	// fapi2-security-profile-final-par-authorization-request-containing-request_uri
	objectByName = objects(func(_ *flow, j *jwt) { j.claims["request_uri"] = someRequestURI })
)

// objectNear is right: clocks may be apart. It is
// fapi2-security-profile-final-ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted.
var objectNear = objects(func(f *flow, j *jwt) { j.claims["nbf"] = f.Now().Add(8 * time.Second).Unix() })

// notSigned is fapi2-security-profile-final-ensure-unsigned-request-at-par-endpoint-fails.
func notSigned(f *flow) { f.signed = false }

// objectForSeveral is fapi2-security-profile-final-ensure-request-object-with-multiple-aud-succeeds.
func objectForSeveral(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	f.object = func(j *jwt) { j.claims["aud"] = []string{f.issuer(), "https://other1.example.com", "invalid"} }
	return f.completeByName()
}

// objectRS256 is fapi2-security-profile-final-ensure-signed-request-object-with-RS256-fails.
func objectRS256(r *run) error {
	if err := r.needsRSA(); err != nil {
		return err
	}
	change := objects(func(_ *flow, j *jwt) { j.alg = "RS256" })
	return refusedRequest(change, []string{"invalid_request_object"}, []string{"invalid_request_object"})(r)
}

// objectOfAnother is fapi2-security-profile-final-ensure-matching-key-in-authorization-request: signed by the second
// party.
func objectOfAnother(r *run) error {
	key, err := r.Config.Client2.signingKey()
	if err != nil {
		return err
	}
	change := objects(func(_ *flow, j *jwt) { j.alg, j.key, j.header["kid"] = key.Algorithm, key.Key, key.KeyID })
	return refusedRequest(change, invalidRequestOrObject, invalidObject)(r)
}
