#!/usr/bin/env node
import '../dist/src/cli/xbcrypt-main.js';
