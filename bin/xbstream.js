#!/usr/bin/env node
import '../dist/src/cli/xbstream-main.js';
