// express alone, or with express-session and its own memory store, as their documentation uses them.
//
//     node server.js [sessions]
//
// Prints its port, and ends when its standard input does.
'use strict'

const express = require('express')

// The value that every contender's session keeps.
const visitor = () => ({
  visits: 0,
  name: 'visitor-1',
  language: 'en-GB',
  theme: 'dark',
  landing_page: '/spring/coats?sort=price',
})

const app = express()
const keeps = process.argv[2] === 'sessions'

if (keeps) {
  app.use(require('express-session')({
    name: '__Host-id',
    // With `secure`, it would send no cookie over a connection without TLS.
    cookie: { maxAge: 30 * 60 * 1000, secure: false },
    resave: false,
    saveUninitialized: false,
    secret: 'not a secret in a benchmark',
  }))
}

app.get('/ignore', (request, response) => response.send('ignored'))

app.get('/seed', (request, response) => {
  request.session.visitor = visitor()
  response.send('')
})

app.get('/read', (request, response) => {
  const visits = keeps ? request.session.visitor?.visits ?? 0 : 0
  response.send(String(visits))
})

app.get('/write', (request, response) => {
  if (!keeps) return response.send('1')
  const changed = request.session.visitor ?? visitor()
  changed.visits += 1
  request.session.visitor = changed
  response.send(String(changed.visits))
})

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit())
