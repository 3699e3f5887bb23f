// Package handover is the resident that answers CGI requests for the programs a web server executes: phpsapi cgi
// --zygote. The picture of the processes is at the top of lifecycle/handover.h.
//
// The program that the web server executes hands its request over (lifecycle/handover_client.c) and waits. The resident
// checks whose request it is, asks the front end which module the call would start, and has a zygote of that module fork a
// child, which answers. The resident lives until it was idle for a while; it never loads
// libphp and never runs a script.
//
// What the resident does not do, the client does itself, the ordinary way: a request of somebody else's, options that
// are not for a web server's call, a module that is not started yet. A refusal is not an error and says nothing.
package handover
