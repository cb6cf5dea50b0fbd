import { describeChain } from './chain-story.ts';

describeChain('mariadb-11.8');
