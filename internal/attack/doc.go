// Package attack attacks a whole house in process, as somebody would who knows what other providers got wrong.
//
// zitadel_test.go has a test for each gap of the library that our layer closes, Z1 to Z15, for a platform with a host of
// its own and for one with a path; TestMain prints their table. The cve files have one test per public vulnerability of
// other products, named after its identifiers, as far as what it attacks exists here; what we do not serve is tested as
// not served. hostile_test.go sends tens of thousands of requests that a grammar draws and breaks.
//
// All of it is black box: requests go in, answers and the database are looked at. Nodes are houses on one database.
// A vulnerability that is tested beside the code it is about is listed below and not repeated. The package holds no
// code that is not a test.
package attack

// Tested elsewhere:
//
//	CVE-2022-39222, CVE-2024-28197, CVE-2026-7507   login: TestJourneyBelongsToOneBrowser; here TestZ4…
//	CVE-2023-6787                                   login: TestCancellingKeepsTheSession
//	CVE-2024-7341                                   login: TestLoginReplacesPlantedCookies
//	CVE-2025-24358, -47909, -46721, -47910          login: TestFormOfAnotherSiteIsRefused (the login page; other forms here)
//	GHSA-pfrf-9r5f-73f5                             login: TestSessionOfOnePlatformIsNothingAtAnother (the browser; all else here)
//	CVE-2024-47070, CVE-2023-36456                  internal/web: TestAddressIsThePeersUnlessAProxyIsTrusted (the address; logins here)
//	CVE-2024-47077                                  op: TestIntrospectionAnswersOnlyWhomItConcerns (the audience; thieves here)
//	CVE-2025-64431, CVE-2025-27507                  storage/storagetest: another platform sees and changes nothing (the methods; addresses here)
//	CVE-2025-54999                                  login/password: TestUnknownAddressCostsTheSameHash
//	CVE-2019-19844                                  account: TestLookAlikesStayApart
//	CVE-2024-41953                                  notify: TestHostileNamesBreakNoMail, FuzzMail
//	CVE-2025-8419, CVE-2023-7028                    notify: TestHostileAddressesGetNoMail
//	CVE-2025-64101, GHSA-93m4-mfpg-c3xf             notify: TestMailArrivesWithTheConfiguredOrigin
//	CVE-2026-35597, CVE-2024-4629                   storage/storagetest: attempts
//	Okta, October 2024 (72 bytes)                   login/password: TestLongPasswordsAreComparedWhole, TestLongPasswordNeverMatchesBcrypt
//	a thief who is signed in while the owner resets  login/password: TestResetEndsEverythingElse, TestChangeInAnEndedSessionDoesNotCount
//	code bound to party, redirect and verifier      op: TestCodeIsBoundToEverything, TestCodeUsedTwiceEndsWhatItGave
//	secrets in URLs, repeats, sizes                 op: TestMachineEndpointsAreStrict
//
// Not there to be attacked yet: client assertions (CVE-2020-5300, CVE-2020-15222, CVE-2025-27370; refused in TestZ12…),
// deleting accounts (CVE-2026-55670), page tokens (CVE-2026-33503), links to reset (the original of
// CVE-2026-4325; codes and requests here), SAML and registration (TestCVE_2023_45683…NotServed).
//
// Fuzz targets, each with the inputs that reached something new kept in testdata/fuzz. One of them:
//
//	go test -run '^$' -fuzz '^FuzzVerifyOwn$' -fuzztime 10m ./op
//
//	op                 FuzzAuthorizeParameters FuzzGate FuzzLogoutParameters FuzzOpenHandle FuzzVerifyOwn
//	internal/web       FuzzForwardedAddress FuzzCookies FuzzPathOfLog
//	internal/secret    FuzzIsID
//	internal/setup     FuzzParse
//	grant              FuzzParseClaims
//	platform           FuzzParseIssuer
//	account            FuzzParseEmail
//	login/password     FuzzParse FuzzHash FuzzCheck FuzzFilter
//	login/ui           FuzzMatch
//	notify             FuzzMail
//	keys               FuzzOpen
