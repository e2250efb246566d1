-- Revision: 20260105_090000_create_shop
-- Date: 2026-01-05 09:00:00 UTC
-- Description: create shop
-- From: 88e4d597e5381b949b63c8d61898d04af62c251a4a5b365d818440759a709320 (PostgreSQL 17)
-- To: b410081fb62273ee8ba32556d0f281face01024baee8863fb4b784c0498be4f5 (PostgreSQL 17)
-- Proof: rehearsed on a scratch copy
-- Written by: schemadiff 0.1.0

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

CREATE SCHEMA shop;

COMMENT ON SCHEMA shop IS 'Products, customers and orders.';

CREATE TYPE shop.order_status AS ENUM ('cart', 'placed', 'paid', 'shipped', 'delivered', 'cancelled');

CREATE TYPE shop.payment_method AS ENUM ('card', 'transfer', 'invoice');

CREATE TYPE shop.staff_role AS ENUM ('clerk', 'manager', 'owner');

CREATE TYPE shop.postal_address AS (
    street text,
    postal_code text,
    city text,
    country character(2)
);

CREATE DOMAIN shop.email AS text CONSTRAINT email_has_an_at CHECK ((VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text));

CREATE DOMAIN shop.money_amount AS numeric(12,2) CONSTRAINT money_amount_is_not_negative CHECK ((VALUE >= (0)::numeric));

CREATE FUNCTION shop.log_status()
    RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN
  INSERT INTO shop.event (id, kind, payload)
  VALUES (NEW.id, 'order.' || NEW.status, jsonb_build_object('from', OLD.status));
  RETURN NULL;
END
$$;

CREATE FUNCTION shop.order_total(p_order_id bigint)
    RETURNS numeric
    LANGUAGE sql
    STABLE
    AS $$SELECT COALESCE(sum(total), 0) FROM shop.order_item WHERE order_id = p_order_id
$$;

CREATE FUNCTION shop.touch_updated_at()
    RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

COMMENT ON FUNCTION shop.touch_updated_at() IS 'Sets updated_at to the current time.';

CREATE PROCEDURE shop.cancel_order(IN p_order_id bigint)
    LANGUAGE plpgsql
    AS $$BEGIN
  UPDATE shop.orders SET status = 'cancelled' WHERE id = p_order_id AND status IN ('placed', 'paid');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'order % cannot be cancelled', p_order_id;
  END IF;
END
$$;

CREATE SEQUENCE shop.order_number START WITH 10000;

CREATE TABLE shop.address (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    customer_id bigint NOT NULL,
    label text NOT NULL DEFAULT 'home'::text,
    location shop.postal_address NOT NULL,
    CONSTRAINT address_pkey PRIMARY KEY (id)
);

CREATE TABLE shop.category (
    id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    parent_id integer,
    name text NOT NULL,
    slug text NOT NULL,
    CONSTRAINT category_pkey PRIMARY KEY (id),
    CONSTRAINT category_slug_key UNIQUE (slug)
);

CREATE TABLE shop.customer (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    email shop.email NOT NULL,
    full_name text NOT NULL,
    phone character varying(30),
    locale text NOT NULL DEFAULT 'en'::text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT customer_pkey PRIMARY KEY (id),
    CONSTRAINT customer_email_key UNIQUE (email)
);

COMMENT ON TABLE shop.customer IS 'People and companies with an account.';

CREATE TABLE shop.event (
    id bigint NOT NULL,
    happened_at timestamp with time zone NOT NULL DEFAULT now(),
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'::jsonb
) PARTITION BY RANGE (happened_at);

COMMENT ON TABLE shop.event IS 'Events, partitioned by month. Old partitions are detached and archived.';

CREATE TABLE shop.event_2026_01 (
    id bigint NOT NULL,
    happened_at timestamp with time zone NOT NULL DEFAULT now(),
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT event_2026_01_pkey PRIMARY KEY (happened_at, id)
);

CREATE TABLE shop.event_other (
    id bigint NOT NULL,
    happened_at timestamp with time zone NOT NULL DEFAULT now(),
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT event_other_pkey PRIMARY KEY (happened_at, id)
);

CREATE TABLE shop.order_item (
    order_id bigint NOT NULL,
    line smallint NOT NULL,
    product_id bigint NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    unit_price shop.money_amount NOT NULL,
    total numeric(14,2) GENERATED ALWAYS AS (((quantity)::numeric * (unit_price)::numeric)) STORED,
    CONSTRAINT order_item_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT order_item_pkey PRIMARY KEY (order_id, line)
);

CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    number bigint NOT NULL DEFAULT nextval('shop.order_number'::regclass),
    customer_id bigint NOT NULL,
    status shop.order_status NOT NULL DEFAULT 'cart'::shop.order_status,
    ship_to shop.postal_address,
    note text,
    handled_by integer,
    placed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT orders_are_placed_or_in_the_cart CHECK (((status = 'cart'::shop.order_status) = (placed_at IS NULL))),
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_number_key UNIQUE (number)
);

ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE shop.orders IS 'Orders, from cart to refund.';

CREATE TABLE shop.payment (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    order_id bigint NOT NULL,
    method shop.payment_method NOT NULL,
    amount shop.money_amount NOT NULL,
    reference text,
    paid_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT payment_pkey PRIMARY KEY (id),
    CONSTRAINT payment_reference_key UNIQUE (method, reference)
);

CREATE TABLE shop.product (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    sku text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT ''::text,
    price shop.money_amount NOT NULL,
    weight_grams integer,
    attributes jsonb NOT NULL DEFAULT '{}'::jsonb,
    active boolean NOT NULL DEFAULT true,
    search tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, ((name || ' '::text) || description))) STORED,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT product_weight_is_positive CHECK ((weight_grams > 0)),
    CONSTRAINT product_pkey PRIMARY KEY (id),
    CONSTRAINT product_sku_key UNIQUE (sku)
);

COMMENT ON TABLE shop.product IS 'Products for sale.';

CREATE TABLE shop.product_category (
    product_id bigint NOT NULL,
    category_id integer NOT NULL,
    CONSTRAINT product_category_pkey PRIMARY KEY (product_id, category_id)
);

CREATE TABLE shop.shipment (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    order_id bigint NOT NULL,
    warehouse_id integer NOT NULL,
    tracking text,
    shipped_at timestamp with time zone,
    delivered_at timestamp with time zone,
    CONSTRAINT shipment_is_shipped_before_it_is_delivered CHECK (((delivered_at IS NULL) OR (delivered_at >= shipped_at))),
    CONSTRAINT shipment_pkey PRIMARY KEY (id),
    CONSTRAINT shipment_tracking_key UNIQUE (tracking)
);

CREATE TABLE shop.staff (
    id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    login name NOT NULL,
    role shop.staff_role NOT NULL DEFAULT 'clerk'::shop.staff_role,
    CONSTRAINT staff_pkey PRIMARY KEY (id),
    CONSTRAINT staff_login_key UNIQUE (login)
);

CREATE TABLE shop.stock (
    warehouse_id integer NOT NULL,
    product_id bigint NOT NULL,
    quantity integer NOT NULL DEFAULT 0,
    reserved integer NOT NULL DEFAULT 0,
    CONSTRAINT stock_quantity_is_not_negative CHECK ((quantity >= 0)),
    CONSTRAINT stock_reserves_what_there_is CHECK (((reserved >= 0) AND (reserved <= quantity))),
    CONSTRAINT stock_pkey PRIMARY KEY (warehouse_id, product_id)
) WITH (fillfactor = '80');

CREATE TABLE shop.warehouse (
    id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    name text NOT NULL,
    location shop.postal_address,
    CONSTRAINT warehouse_pkey PRIMARY KEY (id),
    CONSTRAINT warehouse_name_key UNIQUE (name)
);

ALTER TABLE shop.event ATTACH PARTITION shop.event_2026_01 FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00');

ALTER TABLE shop.event ATTACH PARTITION shop.event_other DEFAULT;

CREATE VIEW shop.available_stock AS
 SELECT product_id,
    sum(quantity) AS available
   FROM shop.stock
  GROUP BY product_id;

CREATE VIEW shop.open_order AS
 SELECT o.id,
    o.number,
    o.status,
    o.placed_at,
    c.email,
    shop.order_total(o.id) AS total
   FROM (shop.orders o
     JOIN shop.customer c ON ((c.id = o.customer_id)))
  WHERE (o.status = ANY (ARRAY['placed'::shop.order_status, 'paid'::shop.order_status]));

COMMENT ON VIEW shop.open_order IS 'Orders that are placed or paid but not shipped.';

ALTER TABLE shop.event ADD CONSTRAINT event_pkey PRIMARY KEY (happened_at, id);

CREATE INDEX address_customer_id_idx ON shop.address USING btree (customer_id);

CREATE INDEX customer_full_name_idx ON shop.customer USING btree (lower(full_name));

CREATE INDEX event_2026_01_kind_happened_at_idx ON shop.event_2026_01 USING btree (kind, happened_at);

CREATE INDEX event_other_kind_happened_at_idx ON shop.event_other USING btree (kind, happened_at);

CREATE INDEX event_kind_idx ON shop.event USING btree (kind, happened_at);

CREATE INDEX order_item_product_id_idx ON shop.order_item USING btree (product_id);

CREATE INDEX orders_customer_id_idx ON shop.orders USING btree (customer_id, created_at DESC);

CREATE INDEX orders_open_idx ON shop.orders USING btree (placed_at) WHERE (status = ANY (ARRAY['placed'::shop.order_status, 'paid'::shop.order_status]));

CREATE INDEX payment_order_id_idx ON shop.payment USING btree (order_id);

CREATE INDEX product_active_idx ON shop.product USING btree (created_at DESC) INCLUDE (name) WHERE active;

CREATE INDEX product_attributes_idx ON shop.product USING gin (attributes pg_catalog.jsonb_path_ops);

CREATE INDEX product_search_idx ON shop.product USING gin (search);

CREATE INDEX product_category_category_id_idx ON shop.product_category USING btree (category_id);

CREATE INDEX shipment_order_id_idx ON shop.shipment USING btree (order_id);

ALTER TABLE shop.address ADD CONSTRAINT address_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES shop.customer (id);

ALTER TABLE shop.category ADD CONSTRAINT category_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES shop.category (id);

ALTER TABLE shop.order_item ADD CONSTRAINT order_item_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders (id) ON DELETE CASCADE;

ALTER TABLE shop.order_item ADD CONSTRAINT order_item_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.product (id);

ALTER TABLE shop.orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES shop.customer (id);

ALTER TABLE shop.orders ADD CONSTRAINT orders_handled_by_fkey FOREIGN KEY (handled_by) REFERENCES shop.staff (id);

ALTER TABLE shop.payment ADD CONSTRAINT payment_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders (id);

ALTER TABLE shop.product_category ADD CONSTRAINT product_category_category_id_fkey FOREIGN KEY (category_id) REFERENCES shop.category (id);

ALTER TABLE shop.product_category ADD CONSTRAINT product_category_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.product (id);

ALTER TABLE shop.shipment ADD CONSTRAINT shipment_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders (id);

ALTER TABLE shop.shipment ADD CONSTRAINT shipment_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES shop.warehouse (id);

ALTER TABLE shop.stock ADD CONSTRAINT stock_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.product (id);

ALTER TABLE shop.stock ADD CONSTRAINT stock_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES shop.warehouse (id);

CREATE TRIGGER customer_touch BEFORE UPDATE ON shop.customer FOR EACH ROW EXECUTE FUNCTION shop.touch_updated_at();

CREATE TRIGGER orders_log AFTER UPDATE OF status ON shop.orders FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION shop.log_status();

CREATE TRIGGER orders_touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch_updated_at();

CREATE TRIGGER product_touch BEFORE UPDATE ON shop.product FOR EACH ROW EXECUTE FUNCTION shop.touch_updated_at();

CREATE POLICY orders_own ON shop.orders FOR SELECT USING ((customer_id = (current_setting('shop.customer'::text, true))::bigint));

CREATE POLICY orders_staff ON shop.orders USING ((EXISTS ( SELECT
   FROM shop.staff
  WHERE (staff.login = CURRENT_USER))));

COMMIT;
