import { describeChain } from './chain-story.ts';

describeChain('mysql-9.7');
