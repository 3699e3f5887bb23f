// Package sapi is the contract between a front end (cli, cgi, fpm) and the engine (package lifecycle), in pure Go.
//
// A SAPI is what stands between a caller and the Zend Engine. It tells the engine what it is and where its settings
// come from (Module, INI) and then runs requests through five steps, the same for every front end:
//
//	module startup      once: php.ini, extensions
//	request startup     per request
//	execute             per request: the script
//	request shutdown    per request
//	module shutdown     once
//
// The package holds what is said between the two and the rules that every front end shares; it starts nothing, opens
// nothing and keeps no state.
package sapi
