// Package sapi is what a front end (cli, cgi, fpm) and package lifecycle, which runs PHP, tell each other. It is pure Go.
//
// A SAPI (server API, in PHP's words) is what stands between a caller and PHP's core, the Zend Engine. It tells the engine what it is and where its settings
// come from (Module, INI) and then runs requests through five steps, the same for every front end:
//
//	module startup      once: php.ini, extensions
//	request startup     per request
//	execute             per request: the script
//	request shutdown    per request
//	module shutdown     once
//
// The package also has the rules that all front ends share: where php.ini is, which script a request means, how a response's head is
// written. It starts nothing and keeps no state. EngineVersion and INISource.Locate look at files, everything else works on what it is
// given.
package sapi
