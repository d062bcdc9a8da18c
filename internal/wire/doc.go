// Package wire builds the house from a configuration. For a server it is the only place that joins doors to the floor,
// so one in a test or a benchmark is built exactly like the real one.
//
// House.ServeHTTP finds the platform of a request by host and longest path (router.go), strips the path, and hands it
// to one router that all platforms share. Run does the upkeep: new settings, clean-up, key rotation.
package wire
