import { describeChain } from './chain-story.ts';

describeChain('mariadb-10.11');
