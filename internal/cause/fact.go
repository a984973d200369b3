// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

// Kind is what the value of a fact is.
type Kind uint8

// The kinds.
const (
	Truth  Kind = iota // true or false
	Number             // a number, in the unit that the fact says
	Word               // one or several of a closed or open list
)

// Fact is something that can be known of a group of failures.
type Fact struct {
	Name string
	Kind Kind
	// Means says exactly when it is true, or what is counted. It is for those who write
	// signatures, and for docs.
	Means string
}

// Value is what was observed of a fact. The zero Value of a Truth is false.
type Value struct {
	True  bool
	Num   float64
	Words []string
	// Say is the observation as the end of a sentence, with its counts: "8 of 8 failed on
	// connections that had been idle for 4.9 to 5.1 s". "" where there is nothing to say.
	Say string
}

// Facts are what was observed. What is not in it was not observed. I2.
type Facts map[string]Value

var factByName = func() map[string]*Fact {
	m := make(map[string]*Fact, len(facts))
	for i := range facts {
		m[facts[i].Name] = &facts[i]
	}
	return m
}()

// AllFacts returns the facts in their order. The slice is shared: do not write to it.
func AllFacts() []Fact { return facts }

// LookupFact returns the fact of that name, nil for none.
func LookupFact(name string) *Fact { return factByName[name] }
