// Package attack attacks a whole house in process, as somebody would who knows what other providers got wrong.
//
// zitadel_test.go has a test for each gap of a library that our layer once closed and a door of our own must not have,
// Z1 to Z15, for a platform with a host of its own and for one with a path; TestMain prints their table. The cve files
// have one test per public vulnerability of other products, named after its identifiers, as far as what it attacks
// exists here; what we do not serve is tested as not served. hostile_test.go sends tens of thousands of requests that a
// grammar draws and breaks.
//
// All of it is black box: requests go in, answers and the database are looked at. Nodes are houses on one database.
// A vulnerability that is tested beside the code it is about is listed below and not repeated. The package holds no
// code that is not a test.
//
// A party is a relying party (OAuth client).
package attack

// Tested elsewhere:
//
//	CVE-2022-39222, CVE-2024-28197, CVE-2026-7507   login: TestJourneyBelongsToOneBrowser, TestJourneyTakesNothingFromAnotherBrowser; here TestZ4…
//	CVE-2023-6787                                   login: TestCancellingKeepsTheSession
//	CVE-2024-7341                                   login: TestLoginReplacesPlantedCookies, TestPlantedBrowserCookieOpensNothing
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
//	CVE-2026-35597                                  storage/storagetest: attempts
//	CVE-2024-4629, CVE-2026-27801                   login/password: TestTwoHundredGuessesAtOnceStopEverybodyButTheOwner
//	CVE-2024-1722                                   login/password: the same, TestFiftyGuessesADay; TestOwnerEntersEveryDayUnderSiege here; journey known_browser
//	CVE-2025-24806, CVE-2025-6004, CVE-2025-54998, CVE-2026-47203
//	                                                login: TestSpellingsShareOneBudget
//	CVE-2024-21662                                  storage/storagetest: however many other names are tried, a counter stands
//	CVE-2024-32868, CVE-2025-64102, CVE-2025-6015   login/totp: TestManyGuessesAtOnceDoNotHelp; journeys wrong_codes, reset_two_step
//	CVE-2026-9798                                   login: TestCodesAreRefusedOnEveryPath
//	CVE-2025-64103, CVE-2026-9091, CVE-2024-45042   login: TestDemandedCodeIsAskedOnEveryPath; journeys two_step_required, forgot_with_code
//	CVE-2025-3910                                   login: TestPendingSetUpIsNotSteppedOver
//	CVE-2025-64175                                  journey recovery_foreign
//	CVE-2026-27946, -54693, CVE-2021-27582 (forms)  login: TestFormsCarryNoMoreThanTheirFields
//	CVE-2023-26481                                  login: TestLinkOfOneSetsNoPasswordOfAnother
//	CVE-2026-52809                                  journeys forgot (61 minutes), welcome_expired; storage/storagetest: tickets (another purpose)
//	CVE-2026-23511, CVE-2024-41952, CVE-2023-39522, CVE-2022-39307
//	                                                login: TestWaitPageTellsNothing; journey neutral_errors; here TestPagesDoNotTellWhoHasAnAccount
//	CVE-2025-64521, CVE-2025-29928, CVE-2024-46999, CVE-2024-47000, CVE-2024-47060
//	                                                test/nodes: TestDeactivatedAccountIsRefusedOnBothNodesWithinASecond; op: TestDisabledPartyIsUnknownEverywhere
//	Okta, October 2024 (72 bytes)                   login/password: TestLongPasswordsAreComparedWhole, TestLongPasswordNeverMatchesBcrypt
//	a thief who is signed in while the owner resets  login/password: TestResetEndsEverythingElse, TestChangeInAnEndedSessionDoesNotCount
//	a stolen password and a helpdesk talked into a reset  authn: TestMarkedAccountIsNotSignedInByLess; login:
//	                                                TestMailAfterAResetIsNotSteppedOver; journey stolen_password_phished_helpdesk
//	code bound to party, redirect and verifier      op: TestCodeIsBoundToEverything, TestCodeUsedTwiceEndsWhatItGave
//	repeats, sizes                                  op: TestMachineEndpointsAreStrict
//	guards that another one stands in front of      op: behind_test.go; storage/storagetest: a grant that outlived its session or its account…
//
// Client assertions are attacked in op: assertion_test.go (CVE-2020-5300 and CVE-2020-15222 are a jti used twice,
// CVE-2025-27370 an audience of somebody else).
//
// Not there to be attacked yet: deleting accounts (CVE-2026-55670), page tokens (CVE-2026-33503), links to reset (the
// original of CVE-2026-4325; codes and requests here), SAML and registration (TestCVE_2023_45683…NotServed).
//
// Fuzz targets, each with the inputs that reached something new kept in testdata/fuzz. One of them:
//
//	go test -run '^$' -fuzz '^FuzzVerifyOwn$' -fuzztime 10m ./op
//
//	op                 FuzzAssertion FuzzAuthorizeParameters FuzzBodyOfTheAPI FuzzGate FuzzLogoutParameters FuzzMembers FuzzOpenHandle
//	                   FuzzParametersOf FuzzProof FuzzRequestObject FuzzVerifyOwn
//	internal/web       FuzzForwardedAddress FuzzCookies FuzzPathOfLog
//	internal/secret    FuzzIsID
//	internal/setup     FuzzParse
//	grant              FuzzParseClaims FuzzIDOf
//	platform           FuzzParseIssuer
//	account            FuzzParseEmail
//	login/password     FuzzParse FuzzHash FuzzCheck FuzzFilter
//	login/password/…   zxcvbn: FuzzBits
//	login              FuzzMachine FuzzTypedCode FuzzNotice
//	login/sms          FuzzParse
//	ui                 FuzzMatch
//	notify             FuzzMail
//	keys               FuzzOpen
