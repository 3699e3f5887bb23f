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
// The package has what the two tell each other, and the rules that all front ends share: where php.ini is, which script a request
// means, how a response's head is written. It starts nothing and keeps no state. EngineVersion and INISource.Locate look at files,
// everything else works on what it is given.
package sapi
