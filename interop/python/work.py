DO = {}
