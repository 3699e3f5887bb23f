// Counterpart: Zend/zend_ini_parser.y (grammar)

package ini

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// Env resolves what a text may refer to. Each may be nil: nothing resolves.
type Env struct {
	// Constant is the value of a PHP constant, as a string, for a bare word
	// in a value or in an array entry's key. A word that is not a constant
	// stands for itself. See Constant for PHP's own.
	Constant func(name string) (value string, ok bool)
	// Loaded is the value of a constant that Constant does not know and an
	// extension may have. It is called for words in values alone: keys are
	// names in capitals as a rule, and no constants.
	Loaded func(name string) (value string, ok bool)
	// Variable is the value of ${name}: in PHP a directive of php.ini, else
	// an environment variable. An unknown one is the empty string.
	Variable func(name string) (value string, ok bool)
	// PHP is the version whose syntax the text has; 0: the oldest.
	PHP sapi.PHPVersion
}

// Kind says what an Event is.
type Kind uint8

// The three things a text consists of.
const (
	Section    Kind = iota // [Name]
	Entry                  // Name = Value, or Name alone
	ArrayEntry             // Name[Key] = Value
)

// An Event is one statement.
type Event struct {
	Kind  Kind
	Name  string // of the section, the entry or the array
	Key   string // of an array entry; "" in a[] = v
	Value string // what follows the '='
	Bare  bool   // an entry without '=': PHP's callback gets NULL, not ""
}

// A SyntaxError is PHP's complaint about a text.
type SyntaxError struct {
	Msg  string // PHP's words: syntax error, unexpected '='
	Line int    // the scanner's line, from 1; may be one past the last
}

// Error words the error as PHP does for a text that is not a file.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s in Unknown on line %d", e.Msg, e.Line)
}

// Parse reads src and hands each statement to emit, in order. It returns a
// *SyntaxError, or nil; statements before the error have been emitted then.
func Parse(src string, env Env, emit func(Event)) (err error) {
	p := &parser{lex: newLexer(src, env.PHP), env: env, emit: emit}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	p.statements()
	return nil
}

// maxDepth is how many symbols PHP's parser stacks before it gives up.
const maxDepth = 10000

// parser is a recursive descent over PHP's grammar with one token of look
// ahead. It panics with a *SyntaxError, which Parse turns into its result.
type parser struct {
	lex    *lexer
	env    Env
	emit   func(Event)
	tok    token // valid if peeked
	text   string
	peeked bool
	depth  int // symbols on the stack PHP's parser would have
}

func (p *parser) peek() token {
	if !p.peeked {
		p.tok, p.text = p.lex.next()
		p.peeked = true
	}
	return p.tok
}

// take consumes the token peek returned and gives its text.
func (p *parser) take() string {
	p.peeked = false
	return p.text
}

// expect consumes a token t or fails, naming the tokens that would do (t
// alone if none are given).
func (p *parser) expect(t token, want ...token) string {
	if p.peek() != t {
		if want == nil {
			want = []token{t}
		}
		p.fail(unexpected(p.tok, want...))
	}
	return p.take()
}

func (p *parser) fail(msg string) {
	panic(&SyntaxError{Msg: msg, Line: p.lex.line})
}

// push accounts for n symbols more on the stack.
func (p *parser) push(n int) {
	if p.depth += n; p.depth >= maxDepth {
		p.fail("memory exhausted")
	}
}

func (p *parser) statements() {
	for {
		switch p.peek() {
		case tokEnd:
			return
		case tokEndOfLine:
			p.take()
		case tokSection:
			p.take()
			name := p.list(nil)
			p.expect(tokCloseBracket)
			p.emit(Event{Kind: Section, Name: name})
		case tokLabel:
			e := Event{Kind: Entry, Name: p.take(), Bare: true}
			if p.peek() == tokEquals {
				p.take()
				p.depth = 4
				e.Value, e.Bare = p.value(), false
			}
			p.emit(e)
		case tokOffset:
			e := Event{Kind: ArrayEntry, Name: p.take()}
			e.Key = p.list(p.env.Constant)
			p.expect(tokCloseBracket)
			p.expect(tokEquals)
			p.depth = 6
			e.Value = p.value()
			p.emit(e)
		default:
			p.fail(unexpected(p.tok))
		}
	}
}

// value is what follows '='.
func (p *parser) value() string {
	switch p.peek() {
	case tokTrue, tokFalse, tokNull, tokEndOfLine:
		return p.take()
	}
	return p.expr()
}

// expr is a list of strings, or numbers joined by | & and ^, which bind alike
// and from the left.
func (p *parser) expr() string {
	base := p.depth
	v := p.operand()
	for {
		op := p.peek()
		if op != tokOr && op != tokAnd && op != tokXor {
			return v
		}
		p.take()
		p.depth = base
		p.push(2)
		v = operate(op, v, p.operand())
		p.depth = base
	}
}

func (p *parser) operand() string {
	base := p.depth
	defer func() { p.depth = base }()
	switch p.peek() {
	case tokTilde, tokNot:
		op := p.tok
		p.take()
		p.push(1)
		return operateUnary(op, p.operand())
	case tokOpenParen:
		p.take()
		p.push(1)
		v := p.expr()
		p.expect(tokCloseParen, tokXor, tokOr, tokAnd, tokCloseParen)
		return v
	case tokDollarCurly, tokRaw, tokConstant, tokNumber, tokString, tokWhitespace, tokQuote:
		return p.list(p.constant)
	}
	p.fail(unexpected(p.tok))
	return ""
}

// list is strings, quoted strings and variables side by side, joined; it may
// be empty. A section's name has no constants: constant is nil.
func (p *parser) list(constant func(name string) (string, bool)) string {
	var v strings.Builder
	for {
		switch p.peek() {
		case tokDollarCurly:
			v.WriteString(p.variable())
		case tokConstant:
			name := p.take()
			if constant != nil {
				if c, ok := constant(name); ok {
					name = c
				}
			}
			v.WriteString(name)
		case tokRaw, tokNumber, tokString, tokWhitespace:
			v.WriteString(p.take())
		case tokQuote:
			p.quoted(&v)
		default:
			return v.String()
		}
	}
}

// constant is the value of a constant in a value.
func (p *parser) constant(name string) (string, bool) {
	if p.env.Constant != nil {
		if c, ok := p.env.Constant(name); ok {
			return c, true
		}
	}
	if p.env.Loaded == nil {
		return "", false
	}
	return p.env.Loaded(name)
}

func (p *parser) quoted(v *strings.Builder) {
	p.take()
	for {
		switch p.peek() {
		case tokDollarCurly:
			v.WriteString(p.variable())
		case tokQuotedString:
			v.WriteString(p.take())
		default:
			p.expect(tokQuote, tokDollarCurly, tokQuotedString, tokQuote)
			return
		}
	}
}

func (p *parser) variable() string {
	p.take()
	name := p.expect(tokVarname)
	fallback := ""
	if p.lex.fallbacks {
		fallback = p.fallback()
	} else {
		p.expect(tokCloseCurly)
	}
	if p.env.Variable == nil {
		return fallback
	}
	if v, ok := p.env.Variable(name); ok {
		return v
	}
	return fallback
}

// fallback is what follows a variable's name, and takes the brace that ends the variable.
func (p *parser) fallback() string {
	if p.peek() != tokFallback {
		p.expect(tokCloseCurly, tokFallback, tokCloseCurly)
		return ""
	}
	p.take()
	value := p.list(p.constant)
	p.expect(tokCloseCurly)
	return value
}
