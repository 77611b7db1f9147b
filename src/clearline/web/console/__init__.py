"""The console of the provider's agents: queues, tickets, and what is done to them. One more edge over the use cases."""
