package server

// What is logged to a run: metrics, params, tags, inputs, outputs and models.

func (s *server) logMetric(c *call) (any, error) {
	id, metric := c.RunID(), c.Metric()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.LogMetric(c.ctx, id, metric)
}

func (s *server) logParam(c *call) (any, error) {
	id, key, value := c.RunID(), c.RequiredText("key"), c.Text("value")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.LogParam(c.ctx, id, key, value)
}

func (s *server) setTag(c *call) (any, error) {
	id, key, value := c.RunID(), c.RequiredText("key"), c.Text("value")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.SetTag(c.ctx, id, key, value)
}

func (s *server) deleteTag(c *call) (any, error) {
	id, key := c.RunID(), c.RequiredText("key")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.DeleteTag(c.ctx, id, key)
}

func (s *server) logBatch(c *call) (any, error) {
	id, batch := c.RunID(), c.Batch()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.LogBatch(c.ctx, id, batch)
}

func (s *server) logInputs(c *call) (any, error) {
	id, inputs := c.RunID(), c.Inputs()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.LogInputs(c.ctx, id, inputs)
}

func (s *server) logOutputs(c *call) (any, error) {
	id, outputs := c.RunID(), c.Outputs()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.LogOutputs(c.ctx, id, outputs)
}

func (s *server) logModel(c *call) (any, error) {
	id, model := c.RunID(), c.ModelRecord()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, s.store.RecordLoggedModel(c.ctx, id, model)
}
