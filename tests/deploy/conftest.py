from tests.support.servers import clients, start, start_for_all

__all__ = ["clients", "start", "start_for_all"]
